"""Train the upper layers and both heads, with torch."""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bot.nlu import calibration, examples
from bot.nlu.augment import Values, noisy
from bot.nlu.calibration import Calibration
from bot.nlu.crf import negative_log_likelihood
from bot.nlu.examples import Example, Mark
from bot.nlu.export import whole_graph
from bot.nlu.features import Features, Featurizer
from bot.nlu.frozen import WORDS, Encoder, read_encoder, remember
from bot.nlu.measures import Counts
from bot.nlu.network import Batch, Network
from bot.nlu.options import Options
from bot.nlu.tags import OUTSIDE, TagSet
from bot.nlu.units import read

#: Tag of places that hold no unit.
NOTHING = -100
#: How fast the averaged weights follow; the average is what is kept.
FOLLOW = 0.98

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Attributes:
        intents, entities: names, in the order of the heads.
        frozen: how many of the encoder's layers lie below the trained ones.
        weights: of the trained part, fp16.
        graph: the whole model as ONNX.
        tokenizer: content of the pruned tokenizer.json.
        longest: how many pieces the encoder can read.
        calibration: from logits to confidences.
        history: one entry an epoch.
    """

    intents: tuple[str, ...]
    entities: tuple[str, ...]
    frozen: int
    weights: dict[str, Array]
    graph: bytes
    tokenizer: dict[str, Any]
    longest: int
    calibration: Calibration
    history: list[dict[str, float]]


@dataclass(frozen=True)
class Prepared:
    """An example as numbers, with what the frozen layers say of it."""

    features: Features
    hidden: npt.NDArray[np.float16]
    intent: int
    tags: Array


@dataclass(frozen=True)
class _Scores:
    """What the network says of texts.

    Attributes:
        logits: [texts, intents].
        sentences: [texts, 2 x hidden].
        intents: [texts] the right ones.
        units: a pair a text, [units, tags] logits and [units] right tags, `NOTHING` beyond it.
    """

    logits: Array
    sentences: Array
    intents: Array
    units: list[tuple[Array, Array]]


def train(
    given: Sequence[Example],
    options: Options,
    folder: Path,
    *,
    start: Mapping[str, Array] | None = None,
    progress: Callable[[str], None] = print,
) -> Trained:
    """Train on examples.

    Args:
        given: at least one example of at least two intents.
        options: see there.
        folder: the encoder's.
        start: weights to go on from (`--finetune`), else the encoder's own.
        progress: told what is being done.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.random_seed)
        return _Training(given, options, folder, progress).run(start)


class _Training:
    def __init__(
        self,
        given: Sequence[Example],
        options: Options,
        folder: Path,
        progress: Callable[[str], None],
    ) -> None:
        self.options = options
        self.progress = progress
        self.chance = random.Random(options.random_seed)
        self.intents = tuple(sorted({e.intent for e in given}))
        self.tagset = TagSet(sorted({m.entity for e in given for m in e.marks}))
        kept, aside = examples.split(given, options.held_out, seed=options.random_seed)
        texts = [read(e.text, longest=options.max_characters).text for e in given]
        progress(f"reading the encoder in {folder}")
        self.encoder = read_encoder(folder, texts, layers=options.layers)
        self.frozen = max(0, len(self.encoder.layers) - options.trained_layers)
        self.featurizer = Featurizer(
            self.encoder.pieces.tokenizer(), longest=self.encoder.config.longest
        )
        values = Values(kept)
        sizes = Counter(e.intent for e in kept)
        # How often each is met in an epoch.
        self.times = [max(1, round(options.least_examples / sizes[e.intent])) for e in kept]
        of_each = [options.noisy_copies * times for times in self.times]
        copies = [
            noisy(values.exchanged(e, self.chance), self.chance)
            for e, count in zip(kept, of_each, strict=True)
            for _ in range(count)
        ]
        prepared = iter(self._prepare([*kept, *copies, *aside]))
        self.kept = list(islice(prepared, len(kept)))
        self.copies = [list(islice(prepared, count)) for count in of_each]
        self.aside = list(prepared)
        wanted = options.device
        if wanted == "auto":
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(wanted)
        self.priors = _log_shares(kept, self.intents).to(self.device)
        self.allowed = torch.from_numpy(self.tagset.allowed).to(self.device)
        self.words = torch.from_numpy(self.encoder.top[WORDS].astype(np.float16))

    def _prepare(self, given: Sequence[Example]) -> list[Prepared]:
        reads = [read(e.text, longest=self.options.max_characters) for e in given]
        features = [self.featurizer.features(r) for r in reads]
        step = max(1, len(features) // 5)

        def report(done: int) -> None:
            if done % step == 0 or done == len(features):
                self.progress(f"frozen layers: {done} of {len(features)} texts")

        hidden = remember(self.encoder, self.frozen, features, report)
        found = []
        for example, text, item, state in zip(given, reads, features, hidden, strict=True):
            units = len(item.first)
            spans = examples.spans(example.marks, text, units=units)
            tags = np.array(self.tagset.encode(spans, units), np.int64)
            found.append(Prepared(item, state, self.intents.index(example.intent), tags))
        return found

    def run(self, start: Mapping[str, Array] | None) -> Trained:
        options = self.options
        network = Network(
            self.encoder.config,
            layers=len(self.encoder.layers) - self.frozen,
            intents=len(self.intents),
            tags=self.tagset.size,
            dropout=options.dropout,
            word_dropout=options.word_dropout,
        )
        network.start_from(self.encoder.layers[self.frozen :])
        if start is not None:
            network.take(start)
        network.to(self.device)
        average = copy.deepcopy(network).eval()
        optimizer = torch.optim.AdamW(self._groups(network), weight_decay=0.01, fused=True)
        steps_an_epoch = -(-sum(self.times) // options.batch_size)
        steps = steps_an_epoch * options.epochs
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
        history: list[dict[str, float]] = []
        best: tuple[float, dict[str, Tensor]] | None = None
        waited = 0
        for epoch in range(options.epochs):
            began = time.perf_counter()
            network.train()
            total = 0.0
            batches = list(self._batches(self._epoch(), shuffle=True))
            for batch, intents, tags in batches:
                with self._precision():
                    intent_logits, tag_logits, _ = network(batch)
                loss = self._loss(intent_logits, tag_logits, network.transitions, intents, tags)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                rates.step()
                _follow(average, network, len(history) * steps_an_epoch)
                total += float(loss.detach())
            seconds = time.perf_counter() - began
            entry = {"epoch": epoch + 1, "loss": total / len(batches), "seconds": seconds}
            if self.aside:
                entry |= self._measure(average)
            history.append(entry)
            self.progress(_line(entry, options.epochs))
            score = entry.get("accuracy", 0.0) + 0.5 * entry.get("entities", 0.0)
            if best is None or score > best[0] or not self.aside:
                best = (score, copy.deepcopy(average.state_dict()))
                waited = 0
            else:
                waited += 1
                if waited >= options.patience:
                    self.progress(f"no better result in {waited} epochs: stopped")
                    break
        if best is not None:
            average.load_state_dict(best[1])
        return self._finish(average, history)

    def _groups(self, network: Network) -> list[dict[str, Any]]:
        options = self.options
        groups = []
        count = len(network.layers)
        for index, layer in enumerate(network.layers):
            rate = options.learning_rate * options.layer_decay ** (count - 1 - index)
            groups.append({"params": list(layer.parameters()), "lr": rate})
        heads = [p for name, p in network.named_parameters() if not name.startswith("layers.")]
        groups.append({"params": heads, "lr": options.head_learning_rate})
        return groups

    def _epoch(self) -> list[Prepared]:
        """Every example once, those of rare intents several times: as it is or as one of its
        copies."""
        return [
            self.chance.choice(copies) if copies and self.chance.random() < 0.5 else example
            for example, copies, times in zip(self.kept, self.copies, self.times, strict=True)
            for _ in range(times)
        ]

    def _batches(
        self, items: list[Prepared], *, shuffle: bool
    ) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        """Batches of texts of like length, so that little is padding."""
        size = self.options.batch_size
        order = list(range(len(items)))
        if shuffle:
            self.chance.shuffle(order)
        pool = size * 32
        groups = []
        for begin in range(0, len(order), pool):
            part = sorted(order[begin : begin + pool], key=lambda i: len(items[i].features.ids))
            groups += [part[i : i + size] for i in range(0, len(part), size)]
        if shuffle:
            self.chance.shuffle(groups)
        for group in groups:
            yield self._batch([items[i] for i in group])

    def _batch(self, items: list[Prepared]) -> tuple[Batch, Tensor, Tensor]:
        pieces = max(len(i.features.ids) for i in items)
        units = max(1, *(len(i.features.first) for i in items))
        width = items[0].hidden.shape[1]
        hidden = np.zeros((len(items), pieces, width), np.float32)
        mask = np.zeros((len(items), pieces), bool)
        ids = np.zeros((4, len(items), units), np.int64)
        unit_mask = np.zeros((len(items), units), bool)
        tags = np.full((len(items), units), NOTHING, np.int64)
        for row, item in enumerate(items):
            f = item.features
            hidden[row, : len(f.ids)] = item.hidden
            mask[row, : len(f.ids)] = True
            for kind, values in enumerate((f.first, f.last, f.places, f.unit_ids)):
                ids[kind, row, : len(values)] = values
            unit_mask[row, : len(f.first)] = True
            tags[row, : len(f.first)] = item.tags
        first, last, places, unit_ids = (torch.from_numpy(a).to(self.device) for a in ids)
        batch = Batch(
            hidden=torch.from_numpy(hidden).to(self.device),
            mask=torch.from_numpy(mask).to(self.device),
            first=first,
            last=last,
            places=places,
            spelled=self.words[unit_ids.cpu()].float().to(self.device),
            unit_mask=torch.from_numpy(unit_mask).to(self.device),
        )
        intents = torch.tensor([i.intent for i in items], device=self.device)
        return batch, intents, torch.from_numpy(tags).to(self.device)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.options.precision == "auto" and (self.device.type == "cuda" or _has_bfloat16()):
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _loss(
        self,
        intent_logits: Tensor,
        tag_logits: Tensor,
        transitions: Tensor,
        intents: Tensor,
        tags: Tensor,
    ) -> Tensor:
        # Given each intent's share, the logits need not say it, and a rare one is not doubted for
        # being rare (logit adjustment, Menon et al. 2021, https://arxiv.org/abs/2007.07314).
        loss = nn.functional.cross_entropy(
            intent_logits + self.priors, intents, label_smoothing=self.options.label_smoothing
        )
        if self.tagset.entities and self.options.tag_weight:
            mask = tags != NOTHING
            told = negative_log_likelihood(
                tag_logits, transitions + self.allowed, self.allowed[OUTSIDE], tags, mask
            )
            loss = loss + self.options.tag_weight * told.sum() / mask.sum().clamp(min=1)
        return loss

    @torch.no_grad()
    def _scores(self, network: Network, items: list[Prepared]) -> _Scores:
        logits, sentences, intents = [], [], []
        units: list[tuple[Array, Array]] = []
        for batch, wanted, tags in self._batches(items, shuffle=False):
            with self._precision():
                intent_logits, tag_logits, sentence = network(batch)
            logits.append(intent_logits.float().cpu().numpy())
            sentences.append(sentence.cpu().numpy())
            intents.append(wanted.cpu().numpy())
            units += zip(tag_logits.cpu().numpy(), tags.cpu().numpy(), strict=True)
        return _Scores(
            np.concatenate(logits), np.concatenate(sentences), np.concatenate(intents), units
        )

    def _measure(self, network: Network) -> dict[str, float]:
        scores = self._scores(network, self.aside)
        tagset = TagSet(self.tagset.entities, network.transitions.detach().cpu().numpy())
        entities = Counts()
        for units, tags in scores.units:
            there = tags != NOTHING
            wanted, found = tagset.spans(tags[there]), tagset.decode(units[there])
            entities.add(*({Mark(s.entity, s.first, s.last) for s in x} for x in (wanted, found)))
        accuracy = float((scores.logits.argmax(1) == scores.intents).mean())
        return {"accuracy": accuracy, "entities": entities.scores()["f1"]}

    def _finish(self, network: Network, history: list[dict[str, float]]) -> Trained:
        self.progress("fitting the confidences")
        outside = self.options.out_of_scope_intent
        seen = self._scores(network, self.kept)
        aside = self._scores(network, self.aside) if self.aside else seen
        calibrated = calibration.fit(
            seen=(seen.logits, seen.sentences, seen.intents),
            held_out=(aside.logits, aside.sentences, aside.intents),
            intents=len(self.intents),
            outside=self.intents.index(outside) if outside in self.intents else -1,
        )
        self.progress("writing the int8 graph")
        weights: dict[str, Array] = dict(network.arrays())
        graph = whole_graph(
            self.encoder.top, self.encoder.layers[: self.frozen], weights, self.encoder.config
        )
        return Trained(
            intents=self.intents,
            entities=self.tagset.entities,
            frozen=self.frozen,
            weights=weights,
            graph=graph,
            tokenizer=self.encoder.pieces.content,
            longest=self.encoder.config.longest,
            calibration=calibrated,
            history=history,
        )


def _log_shares(given: Sequence[Example], intents: Sequence[str]) -> Tensor:
    """The logarithm of each intent's share of the examples, [intents].

    Of the different ones: ten examples that come again and again tell no more than ten, and the
    loss must ask more of them.
    """
    met = Counter(example.intent for example in given)
    shares = torch.tensor([max(1, met[intent]) for intent in intents], dtype=torch.float32)
    return (shares / shares.sum()).log()


def _rate(step: int, steps: int) -> float:
    """Up over the first tenth, then down in a straight line."""
    warm = max(1, steps // 10)
    return min((step + 1) / warm, max(0.02, (steps - step) / max(1, steps - warm)))


@torch.no_grad()
def _follow(average: Network, network: Network, step: int) -> None:
    share = min(FOLLOW, (1 + step) / (10 + step))
    for kept, now in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(now, 1 - share)


def _has_bfloat16() -> bool:
    """Does the processor compute in bfloat16? Where it does not, it is slower than float32."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _line(entry: dict[str, float], epochs: int) -> str:
    parts = [f"epoch {int(entry['epoch'])} of {epochs}", f"loss {entry['loss']:.3f}"]
    if "accuracy" in entry:
        parts.append(f"held out: intents {entry['accuracy']:.3f}, entities {entry['entities']:.3f}")
    return ", ".join([*parts, f"{entry['seconds']:.0f} s"])


__all__ = ["Encoder", "Trained", "train"]
