"""What a wish for advice says of the goods, once politeness and conditions are taken away.

推荐点防水的东西, 三百以内                         防水
recommend something waterproof for hiking        waterproof hiking
recommend something                              (nothing)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shop.text.request import Request
from shop.text.words import Words

Span = tuple[int, int]
_EMPTY_CN = re.compile(
    r"推荐|安利|介绍|挑选?|选一?[个款些]|帮忙?我?|给我?|替我|麻烦|请问?|谢谢|您好|你好|亲|小二"
    r"|有没有|有什么|有啥|什么|哪[个款些种]|怎么样?|可以|能不能|我想要?|想要?|想买|我要|要买|需要|适合|合适"
    r"|东西|商品|产品|好物|好货|宝贝|礼物|礼品|这[个款些种]|那[个款些种]|一下|一些|一点|一款|一[个件双条]|几[个款样]"
    r"|点儿?|些|随便|都行|看看|看一?下|来|呗|吧|呢|吗|啊|呀|哦|嘛|的|了|我|你|您|它|和|跟|用|买|送|好|店里|你们|左右|以内|以下"
    r"|不要|不想|不喜欢|都|别|没有|喜欢|爱|也|还|有|再|类似|相似|差不多|但是?|第.[个款件]"
    r"|换|别的|其[他它]|批|预算|价格|便宜|贵"
)
_EMPTY_EN = re.compile(
    r"(?<![a-z])(?:recommend(?:ations?|ed)?|suggest(?:ions?)?|advise|advice|show|find|give|get|got|pick"
    r"|choose|help|want|need|like|would|could|can|should|might|do|does|have|has|is|are|am|be|was"
    r"|i|i'm|i'd|me|my|you|your|we|us|it|its|they|them|he|she|her|his|him"
    r"|a|an|the|some|any|something|anything|stuff|things?|goods?|items?|products?|ones?|others?|other|more"
    r"|gifts?|presents?|please|pls|thanks?|thank|hi|hello|hey|what|what's|whats|which|who|how|that|this|these"
    r"|those|for|to|of|in|on|at|with|from|and|or|but|so|not|no|if|as|about|around|under|below|over|up|too|very"
    r"|nice|good|great|best|cool|new|else|there|here|now|right|buy|buying|purchase|look(?:ing)?|go|goes|going"
    r"|budget|price|cheap(?:er)?|ideas?|options?|one|yuan|rmb|kuai|bucks?|dollars?|shop|store|dont|don't|love|loves|likes|hate|first|second|third|last|similar|like)(?![a-z'])",
    re.IGNORECASE,
)
# What a tagger takes for goods, though anything could be meant.
_ANYTHING = re.compile(
    r"[小个好一]*(?:礼物|礼品|好物|东西|商品|产品|宝贝)|(?:gifts?|presents?|things?|stuff|goods|items?|products?"
    r"|something|anything)(?: ideas?)?",
    re.IGNORECASE,
)
_CONTENT = re.compile(r"[a-z]{3,}|[\u3400-\u9fff]{2,}", re.IGNORECASE)


def names_goods(request: Request) -> bool:
    """Whether a request says what kind of goods is wanted; a present is no kind of goods."""
    if request.kinds or request.categories:
        return True
    return any(not _ANYTHING.fullmatch(term.strip()) for term in request.terms)


def gist(text: str, out: Iterable[Span], words: Words) -> str:
    """The describing words of a wish, in its own order; empty where it describes nothing.

    Args:
        text: As it was typed.
        out: Spans of it that are understood otherwise: prices, recipients, what is refused.
        words: Their misspellings are put right.
    """
    kept = list(text)
    for start, end in out:
        kept[start:end] = " " * (end - start)
    read = words.read("".join(kept)).text
    read = _EMPTY_EN.sub(" ", _EMPTY_CN.sub(" ", read))
    return " ".join(_CONTENT.findall(read))
