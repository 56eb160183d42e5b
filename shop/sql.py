"""The shop in an SQL database: SQLite or PostgreSQL, the same code for both."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import and_, bindparam, case, delete, func, insert, select
from sqlalchemy.engine import Connection, Engine, Row

from shop import schema
from shop.backend import ShopBackend
from shop.catalogue import check, relaxations, with_shades
from shop.database import LARGEST_ID, open_engine, reading, upsert, writing
from shop.errors import InvalidValue, NotFound, SettingsError
from shop.identity import utc_now, valid_sender
from shop.models import (
    Attribute,
    Availability,
    Customer,
    Handover,
    Hit,
    Interaction,
    InteractionKind,
    Language,
    Localized,
    Order,
    OrderLine,
    Page,
    Parcel,
    ParcelEvent,
    Payment,
    Product,
    ProductQuery,
    Refund,
    SampleCustomer,
    SearchResult,
    Shown,
    Taste,
    TasteSubject,
    Variant,
    Word,
)
from shop.orders import STATES, clean_number
from shop.search import ATTRIBUTE, BRAND, CATEGORY, DESCRIPTION, KIND, NAME, Document, Index, Mask
from shop.service import check_reason
from shop.settings import ShopSettings, variable
from shop.shipping import clean_tracking_number
from shop.text.words import Words

LANGUAGES: tuple[Language, ...] = ("zh", "en")
# Goods that come in no particular colour have this code.
NO_COLOUR = "none"
# How much one act of a customer says about popularity.
_POPULARITY = {"buy": 8, "cart": 3, "view": 1}
_KINDS = ("view", "cart", "buy", "rate")
_SUBJECTS = ("product", "kind", "category", "brand", "word")
# Columns that hold codes and what tastes are about are that long.
_LONGEST_CODE, _LONGEST_TASTE = 32, 120
# An index rebuilt within this time is rebuilt while the shopper waits, a larger one beside it.
_BLINK = 0.2
# Above this many candidates, naming each in the statement costs more than reading all variants.
_MANY = 500
_INTERACTIONS_AT_ONCE = 5000
_PRODUCTS_AT_ONCE = 500

# What a recommendation asks each time is built once: building takes as long as running.
_AVAILABILITY = (
    select(
        schema.variants.c.product_id,
        func.sum(schema.variants.c.stock),
        func.min(schema.variants.c.price),
    )
    .where(schema.variants.c.product_id.in_(bindparam("ids", expanding=True)))
    .group_by(schema.variants.c.product_id)
)
_TASTES = (
    select(
        schema.tastes.c.subject, schema.tastes.c.value, schema.tastes.c.liked, schema.tastes.c.at
    )
    .where(schema.tastes.c.customer_id == bindparam("customer"))
    .order_by(schema.tastes.c.at, schema.tastes.c.id)
)


@lru_cache(maxsize=4)
def _history(*, of_a_kind: bool, since_then: bool) -> Any:
    """The newest interactions of a customer: customer, n and, where wanted, kind and since."""
    table = schema.interactions
    newest = (
        select(table)
        .where(table.c.customer_id == bindparam("customer"))
        .order_by(table.c.at.desc(), table.c.id.desc())
        .limit(bindparam("n"))
    )
    if of_a_kind:
        newest = newest.where(table.c.kind == bindparam("kind"))
    if since_then:
        newest = newest.where(table.c.at >= bindparam("since"))
    return newest


def open_shop(settings: ShopSettings) -> SqlShop:
    """The shop that the settings name; connects when first asked.

    Raises: SettingsError, WordsError.
    """
    return SqlShop(open_engine(settings), load_words(settings))


def load_words(settings: ShopSettings) -> Words:
    """The words for kinds, colours and the like. Raises: SettingsError, WordsError."""
    words = Words.load(settings.data / "words")
    if not words.codes("kind"):
        # Without them goods would be found by their names only, and nobody would notice.
        expected = "expected a folder that holds words/kind.yml"
        raise SettingsError(variable("data"), str(settings.data), expected)
    return words


class SqlShop(ShopBackend):
    """A shop in the tables of `shop.schema`.

    Args:
        engine: from `shop.database.open_engine`.
        words: words of kinds, categories and colours, by which products are found.
    """

    def __init__(self, engine: Engine, words: Words) -> None:
        self.engine = engine
        self._words = words
        self._index: tuple[Any, Index] | None = None
        self._index_took = 0.0
        self._indexing = threading.Lock()

    # --- customers

    def customer(self, customer_id: int) -> Customer:
        table = schema.customers
        with reading(self.engine) as connection:
            row = connection.execute(
                select(table).where(table.c.id == _known_id(customer_id))
            ).first()
        if row is None:
            raise NotFound(f"customer {customer_id}")
        return _customer(row)

    def sample_customers(self) -> tuple[SampleCustomer, ...]:
        table = schema.customers
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(table).where(table.c.situation.is_not(None)).order_by(table.c.id)
            ).all()
        return tuple(SampleCustomer(_customer(row), row.situation) for row in rows)

    # --- orders and parcels

    def orders(
        self,
        customer_id: int,
        *,
        states: Collection[str] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Page[Order]:
        table = schema.orders
        if limit < 1 or offset < 0:
            raise InvalidValue(f"limit {limit}, offset {offset}")
        mine = table.c.customer_id == _known_id(customer_id)
        if states is not None:
            if unknown := set(states) - set(STATES):
                raise InvalidValue(f"states {', '.join(sorted(unknown))}")
            mine = and_(mine, table.c.state.in_(states))
        with reading(self.engine) as connection:
            total = connection.execute(select(func.count()).select_from(table).where(mine))
            rows = connection.execute(
                select(table)
                .where(mine)
                .order_by(table.c.placed_at.desc(), table.c.id.desc())
                .limit(limit)
                .offset(offset)
            ).all()
            return Page(_orders(connection, rows), total.scalar_one())

    def order(self, customer_id: int, number: str) -> Order:
        with reading(self.engine) as connection:
            return _orders(connection, [_order_row(connection, customer_id, number)])[0]

    def parcels(self, customer_id: int, number: str) -> tuple[Parcel, ...]:
        with reading(self.engine) as connection:
            order = _order_row(connection, customer_id, number)
            return _parcels(connection, schema.parcels.c.order_id == order.id)

    def parcel(self, customer_id: int, tracking_number: str) -> Parcel:
        number = clean_tracking_number(tracking_number)
        mine = and_(
            schema.parcels.c.tracking_number == number,
            schema.orders.c.customer_id == _known_id(customer_id),
        )
        with reading(self.engine) as connection:
            found = _parcels(connection, mine)
        if not found:
            raise NotFound("parcel of this customer")
        return found[0]

    # --- catalogue

    def search_products(self, query: ProductQuery) -> SearchResult:
        query = check(query)
        with reading(self.engine) as connection:
            index = self._current_index(connection)
            finder = _Finder(connection, index, query)
            exact = finder.ranked(query, near=False)
            if len(exact):
                near = finder.ranked(query, near=True)
                return self._result(connection, query, exact, near, ())
            for relaxed, dropped in relaxations(query):
                found = finder.ranked(relaxed, near=False)
                if len(found):
                    return self._result(connection, relaxed, [], found, dropped)
            near = finder.ranked(query, near=True)
            return self._result(connection, query, [], near, ())

    def product(self, product_id: int) -> Product:
        found = self.products([product_id])
        if not found:
            raise NotFound(f"product {product_id}")
        return found[0]

    def products(self, product_ids: Collection[int]) -> tuple[Product, ...]:
        with reading(self.engine) as connection:
            return _products(connection, [i for i in product_ids if 0 < i <= LARGEST_ID])

    def popular_products(
        self,
        since: datetime,
        limit: int = 10,
        *,
        in_stock: bool = True,
        category: str | None = None,
    ) -> tuple[Product, ...]:
        acts, table = schema.interactions, schema.products
        weight = func.sum(case(_POPULARITY, value=acts.c.kind, else_=0))
        wanted = (
            select(acts.c.product_id)
            .join(table, table.c.id == acts.c.product_id)
            .where(acts.c.at >= since)
            .group_by(acts.c.product_id)
            .order_by(weight.desc(), acts.c.product_id)
            .limit(limit)
        )
        if category is not None:
            wanted = wanted.where((table.c.category == category) | (table.c.kind == category))
        if in_stock:
            variants = schema.variants
            wanted = wanted.where(
                select(variants.c.id)
                .where(variants.c.product_id == acts.c.product_id, variants.c.stock > 0)
                .exists()
            )
        with reading(self.engine) as connection:
            return _products(connection, connection.execute(wanted).scalars().all())

    def catalogue(self, since: datetime | None = None) -> Iterator[Product]:
        table = schema.products
        last = 0
        while True:
            piece = select(table.c.id).where(table.c.id > last).order_by(table.c.id)
            if since is not None:
                piece = piece.where(table.c.updated_at >= since)
            with reading(self.engine) as connection:
                ids = connection.execute(piece.limit(_PRODUCTS_AT_ONCE)).scalars().all()
                products = _products(connection, ids)
            yield from products
            if len(ids) < _PRODUCTS_AT_ONCE:
                return
            last = ids[-1]

    def availability(self, product_ids: Collection[int]) -> dict[int, Availability]:
        with reading(self.engine) as connection:
            rows = connection.execute(_AVAILABILITY, {"ids": list(set(product_ids))}).all()
        return {product_id: Availability(int(stock), price) for product_id, stock, price in rows}

    def vocabulary(self) -> tuple[Word, ...]:
        table, variants = schema.products, schema.variants
        names = select(table.c.id, table.c.name_zh, table.c.name_en)
        brands = select(table.c.brand_zh, table.c.brand_en).distinct()
        found: dict[Word, None] = {}

        def add(entity: str, code: str, texts: Iterator[tuple[Language, str]]) -> None:
            found.update((Word(entity, code, language, t), None) for language, t in texts if t)

        with reading(self.engine) as connection:
            for row in connection.execute(names):
                both = zip(LANGUAGES, (row.name_zh, row.name_en), strict=True)
                add("product", str(row.id), both)
            for row in connection.execute(brands):
                add("brand", row.brand_en, zip(LANGUAGES, row, strict=True))
            for entity, word_table, column in (
                ("category", "category", table.c.category),
                ("category", "kind", table.c.kind),
                ("color", "colour", variants.c.colour),
                ("size", "size", variants.c.size),
            ):
                codes = connection.execute(select(column).distinct().order_by(column))
                for code in codes.scalars():
                    if code == NO_COLOUR:
                        continue
                    add(entity, code, self._both(word_table, code))
        return tuple(found)

    def _both(self, table: str, code: str) -> Iterator[tuple[Language, str]]:
        """Every word for a code, with its language."""
        for language in LANGUAGES:
            for text in self._words.synonyms(table, code, language):
                yield language, text

    # --- interactions

    def record_interaction(
        self,
        customer_id: int | None,
        product_id: int,
        kind: InteractionKind,
        *,
        rating: int | None = None,
    ) -> None:
        if kind not in _KINDS:
            raise InvalidValue(f"interaction {kind!r}")
        if (kind == "rate") != (rating is not None) or rating not in (None, 1, 2, 3, 4, 5):
            raise InvalidValue(f"rating {rating!r} of a {kind}")
        with writing(self.engine) as connection:
            _exists(connection, schema.products, product_id)
            if customer_id is not None:
                _exists(connection, schema.customers, customer_id)
            connection.execute(
                insert(schema.interactions).values(
                    customer_id=customer_id,
                    product_id=product_id,
                    kind=kind,
                    rating=rating,
                    at=utc_now(),
                )
            )

    def interactions(self, since_id: int = 0) -> Iterator[Interaction]:
        table = schema.interactions
        while True:
            piece = (
                select(table)
                .where(table.c.id > since_id)
                .order_by(table.c.id)
                .limit(_INTERACTIONS_AT_ONCE)
            )
            with reading(self.engine) as connection:
                rows = connection.execute(piece).all()
            for row in rows:
                yield Interaction(*row)
            if len(rows) < _INTERACTIONS_AT_ONCE:
                return
            since_id = rows[-1].id

    def history(
        self,
        customer_id: int,
        limit: int = 50,
        *,
        kind: InteractionKind | None = None,
        since: datetime | None = None,
    ) -> tuple[Interaction, ...]:
        with reading(self.engine) as connection:
            return _newest(connection, customer_id, limit, kind, since)

    def tastes_and_history(
        self, customer_id: int, limit: int = 50
    ) -> tuple[tuple[Taste, ...], tuple[Interaction, ...]]:
        with reading(self.engine) as connection:
            return _tastes(connection, customer_id), _newest(connection, customer_id, limit)

    # --- recommendations

    def record_shown(self, customer_id: int | None, products: Sequence[tuple[int, str]]) -> None:
        now = utc_now()
        with writing(self.engine) as connection:
            if customer_id is not None:
                _exists(connection, schema.customers, customer_id)
            rows = []
            for place, (product_id, reason) in enumerate(products):
                _exists(connection, schema.products, product_id)
                if not 0 < len(reason) <= _LONGEST_CODE:
                    raise InvalidValue(f"reason {reason!r}")
                rows.append(
                    {
                        "customer_id": customer_id,
                        "product_id": product_id,
                        "reason": reason,
                        "place": place,
                        "at": now,
                    }
                )
            if rows:
                connection.execute(insert(schema.shown), rows)

    def shown(self, since_id: int = 0) -> Iterator[Shown]:
        table = schema.shown
        while True:
            piece = (
                select(table)
                .where(table.c.id > since_id)
                .order_by(table.c.id)
                .limit(_INTERACTIONS_AT_ONCE)
            )
            with reading(self.engine) as connection:
                rows = connection.execute(piece).all()
            for row in rows:
                yield Shown(*row)
            if len(rows) < _INTERACTIONS_AT_ONCE:
                return
            since_id = rows[-1].id

    def remember_taste(
        self, customer_id: int, subject: TasteSubject, value: str, *, liked: bool
    ) -> None:
        if subject not in _SUBJECTS:
            raise InvalidValue(f"taste about {subject!r}")
        value = value.strip()
        if not 0 < len(value) <= _LONGEST_TASTE:
            raise InvalidValue(f"a taste of {len(value)} characters")
        table = schema.tastes
        said = {"liked": liked, "at": utc_now()}
        with writing(self.engine) as connection:
            _exists(connection, schema.customers, customer_id)
            connection.execute(
                upsert(connection, table)
                .values(customer_id=customer_id, subject=subject, value=value, **said)
                .on_conflict_do_update(
                    index_elements=[table.c.customer_id, table.c.subject, table.c.value],
                    set_=said,
                )
            )

    def tastes(self, customer_id: int) -> tuple[Taste, ...]:
        with reading(self.engine) as connection:
            return _tastes(connection, customer_id)

    def forget_tastes(
        self,
        customer_id: int,
        *,
        subject: TasteSubject | None = None,
        value: str | None = None,
    ) -> int:
        table = schema.tastes
        statement = delete(table).where(table.c.customer_id == customer_id)
        if subject is not None:
            statement = statement.where(table.c.subject == subject)
        if value is not None:
            statement = statement.where(table.c.value == value.strip())
        with writing(self.engine) as connection:
            return connection.execute(statement).rowcount

    # --- service

    def request_handover(
        self, sender_id: str, customer_id: int | None, reason: str, language: Language
    ) -> Handover:
        table = schema.handovers
        sender_id = valid_sender(sender_id)
        if language not in LANGUAGES:
            raise InvalidValue(f"language {language!r}")
        with writing(self.engine) as connection:
            if customer_id is not None:
                _exists(connection, schema.customers, customer_id)
            added = connection.execute(
                upsert(connection, table)
                .values(
                    sender_id=sender_id,
                    customer_id=customer_id,
                    reason=check_reason(reason),
                    language=language,
                    state="open",
                    created_at=utc_now(),
                )
                .on_conflict_do_nothing(
                    index_elements=[table.c.sender_id], index_where=schema.one_open
                )
            )
            row = connection.execute(
                select(table).where(table.c.sender_id == sender_id, schema.one_open)
            ).one()
            waiting = connection.execute(
                select(func.count()).select_from(table).where(schema.one_open, table.c.id < row.id)
            ).scalar_one()
        return Handover(
            id=row.id,
            sender_id=row.sender_id,
            customer_id=row.customer_id,
            reason=row.reason,
            language=row.language,
            state=row.state,
            created_at=row.created_at,
            waiting=waiting,
            new=added.rowcount == 1,
        )

    # --- the search index

    def warm_up(self) -> None:
        """Make the index now, so that no shopper waits for it: seconds for 20,000 products."""
        with reading(self.engine) as connection:
            self._current_index(connection)

    def _current_index(self, connection: Connection) -> Index:
        """The index of the catalogue as it is now, or, while a large one is made, as it was."""
        table = schema.products
        stamp = tuple(connection.execute(select(func.count(), func.max(table.c.updated_at))).one())
        current = self._index
        if current is not None and current[0] == stamp:
            return current[1]
        if current is not None and self._index_took > _BLINK:
            if not self._indexing.locked():
                threading.Thread(target=self._reindex_beside, args=(stamp,), daemon=True).start()
            return current[1]
        with self._indexing:
            current = self._index
            if current is None or current[0] != stamp:
                current = self._index = (stamp, self._reindex(connection))
            return current[1]

    def _reindex_beside(self, stamp: Any) -> None:
        with self._indexing, reading(self.engine) as connection:
            if self._index is None or self._index[0] != stamp:
                self._index = (stamp, self._reindex(connection))

    def _reindex(self, connection: Connection) -> Index:
        start = time.perf_counter()
        variants = schema.variants
        # Colours and sizes of each product, as tables of words and codes.
        comes_in: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for table, column in (("colour", variants.c.colour), ("size", variants.c.size)):
            for product_id, code in connection.execute(
                select(variants.c.product_id, column).distinct()
            ):
                comes_in[product_id].add((table, code))
        # The words look for changed files whenever they are asked: once a code is enough.
        words = lru_cache(maxsize=None)(self._texts)
        rows = connection.execute(select(schema.products).order_by(schema.products.c.id))
        index = Index([_document(row, sorted(comes_in[row.id]), words) for row in rows])
        self._index_took = time.perf_counter() - start
        return index

    def _texts(self, table: str, code: str) -> tuple[str, ...]:
        return tuple(text for _, text in self._both(table, code))

    def _result(
        self,
        connection: Connection,
        query: ProductQuery,
        exact: Sequence[int],
        near: Sequence[int],
        relaxed: tuple[str, ...],
    ) -> SearchResult:
        """The page of the query; those in `near` come after those in `exact`."""
        wanted = [*exact, *near][query.offset : query.offset + query.limit]
        products = _products(connection, wanted)
        certain = set(exact)
        hits = []
        for product in products:
            meeting = tuple(v for v in product.variants if _meets(v, query))
            if meeting:
                hits.append(Hit(product, meeting, product.id in certain))
        return SearchResult(tuple(hits), len(exact) + len(near), len(exact), relaxed)


class _Finder:
    """One search: matches the words once, then filters and sorts as often as needed."""

    def __init__(self, connection: Connection, index: Index, query: ProductQuery) -> None:
        self._connection = connection
        self._index = index
        self._matches = index.match(query.text) if query.text else index.everything()
        allowed = np.ones(len(index), dtype=bool)
        if query.exclude:
            allowed &= ~np.isin(index.ids, list(query.exclude))
        for text in query.without:
            allowed &= ~index.match(text).exact
        self._allowed: Mask = allowed

    def ranked(self, query: ProductQuery, *, near: bool) -> list[int]:
        """Ids of the products that meet the query, best first."""
        index = self._index
        mask = self._allowed & (self._matches.near if near else self._matches.exact)
        mask &= index.within(category=query.category, brand=query.brand)
        positions = np.flatnonzero(mask)
        order = np.lexsort((index.ids[positions], -self._matches.score[positions]))
        ids: list[int] = index.ids[positions[order]].tolist()
        if not ids:
            return ids
        if query.sort in ("price_asc", "price_desc") or _conditions(query):
            prices = self._prices(ids, query)
            ids = [i for i in ids if i in prices]
            if query.sort == "price_asc":
                ids.sort(key=lambda i: prices[i][0])
            elif query.sort == "price_desc":
                ids.sort(key=lambda i: -prices[i][1])
        if query.sort in ("popular", "newest", "rating"):
            ids = self._sorted_by(ids, query.sort)
        return ids

    def _prices(self, ids: Sequence[int], query: ProductQuery) -> dict[int, Any]:
        """The lowest and highest price of the variants that meet the query, by product."""
        table = schema.variants
        statement = select(
            table.c.product_id, func.min(table.c.price), func.max(table.c.price)
        ).group_by(table.c.product_id)
        for condition in _conditions(query):
            statement = statement.where(condition)
        if len(ids) <= _MANY:
            statement = statement.where(table.c.product_id.in_(ids))
        rows = self._connection.execute(statement)
        return {product_id: (low, high) for product_id, low, high in rows}

    def _sorted_by(self, ids: Sequence[int], sort: str) -> list[int]:
        table = schema.products
        column = {
            "popular": table.c.sold,
            "newest": table.c.listed_at,
            "rating": func.coalesce(table.c.rating, 0),
        }[sort]
        statement = select(table.c.id).order_by(column.desc(), table.c.sold.desc(), table.c.id)
        if len(ids) <= _MANY:
            statement = statement.where(table.c.id.in_(ids))
        wanted = set(ids)
        return [i for i in self._connection.execute(statement).scalars() if i in wanted]


def _conditions(query: ProductQuery) -> list[Any]:
    """What one variant must meet; the same as `_meets`, for the database."""
    table = schema.variants
    conditions = []
    if query.colours:
        conditions.append(table.c.colour.in_(with_shades(query.colours)))
    if query.sizes:
        conditions.append(table.c.size.in_(query.sizes))
    if query.price_min is not None:
        conditions.append(table.c.price >= query.price_min)
    if query.price_max is not None:
        conditions.append(table.c.price <= query.price_max)
    if query.in_stock:
        conditions.append(table.c.stock > 0)
    return conditions


def _meets(variant: Variant, query: ProductQuery) -> bool:
    """Whether a variant meets the query; the same as `_conditions`, for one at hand."""
    return (
        (not query.colours or variant.colour in with_shades(query.colours))
        and (not query.sizes or variant.size in query.sizes)
        and (query.price_min is None or variant.price >= query.price_min)
        and (query.price_max is None or variant.price <= query.price_max)
        and (not query.in_stock or variant.stock > 0)
    )


def _document(
    row: Row, comes_in: Sequence[tuple[str, str]], words: Callable[[str, str], tuple[str, ...]]
) -> Document:
    """A product for search, under everything it may be called; `words`: of a table and a code."""
    texts = [(NAME, row.name_zh), (NAME, row.name_en)]
    texts += [(BRAND, row.brand_zh), (BRAND, row.brand_en)]
    texts += [(KIND, text) for text in words("kind", row.kind)]
    texts += [(CATEGORY, text) for text in words("category", row.category)]
    texts += [(ATTRIBUTE, text) for codes in comes_in for text in words(*codes)]
    texts += [(ATTRIBUTE, text) for _, zh, en in row.attributes for text in (zh, en)]
    texts += [(DESCRIPTION, row.description_zh), (DESCRIPTION, row.description_en)]
    return Document(
        product_id=row.id,
        category=row.category,
        kind=row.kind,
        brands=(row.brand_zh, row.brand_en),
        sold=row.sold,
        texts=tuple(texts),
    )


# --- rows to models ------------------------------------------------------------------------------


def _known_id(value: int) -> int:
    """An id that a row may have. Raises: NotFound."""
    if not 0 < value <= LARGEST_ID:
        raise NotFound("no such id")
    return value


def _tastes(connection: Connection, customer_id: int) -> tuple[Taste, ...]:
    rows = connection.execute(_TASTES, {"customer": customer_id})
    return tuple(Taste(*row) for row in rows)


def _newest(
    connection: Connection,
    customer_id: int,
    limit: int,
    kind: InteractionKind | None = None,
    since: datetime | None = None,
) -> tuple[Interaction, ...]:
    """The last interactions of a customer, the newest last."""
    statement = _history(of_a_kind=kind is not None, since_then=since is not None)
    given = {"customer": customer_id, "n": limit, "kind": kind, "since": since}
    rows = connection.execute(statement, given).all()
    return tuple(Interaction(*row) for row in reversed(rows))


def _exists(connection: Connection, table: Any, row_id: int) -> None:
    """Raises: NotFound."""
    found = connection.execute(select(table.c.id).where(table.c.id == _known_id(row_id))).first()
    if found is None:
        raise NotFound(f"{table.name} {row_id}")


def _customer(row: Row) -> Customer:
    return Customer(
        id=row.id,
        name=Localized(row.name_zh, row.name_en),
        language=row.language,
        phone=row.phone,
        email=row.email,
        level=row.level,
        points=row.points,
        joined_at=row.joined_at,
    )


def _order_row(connection: Connection, customer_id: int, number: str) -> Row:
    """Raises: NotFound, after the same query whether it is another's or nobody's."""
    table = schema.orders
    row = connection.execute(
        select(table).where(
            table.c.number == clean_number(number),
            table.c.customer_id == _known_id(customer_id),
        )
    ).first()
    if row is None:
        raise NotFound("order of this customer")
    return row


def _by(connection: Connection, statement: Any, column: str) -> dict[int, list[Row]]:
    """Rows of a statement in groups."""
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in connection.execute(statement):
        groups[getattr(row, column)].append(row)
    return groups


def _orders(connection: Connection, rows: Sequence[Row]) -> tuple[Order, ...]:
    if not rows:
        return ()
    ids = [row.id for row in rows]
    line, payment, refund = schema.order_lines, schema.payments, schema.refunds
    lines = _by(
        connection,
        select(line, schema.products.c.picture)
        .join(schema.products, schema.products.c.id == line.c.product_id)
        .where(line.c.order_id.in_(ids))
        .order_by(line.c.id),
        "order_id",
    )
    payments = _by(
        connection,
        select(payment).where(payment.c.order_id.in_(ids)).order_by(payment.c.id),
        "order_id",
    )
    refunds = _by(
        connection,
        select(refund).where(refund.c.order_id.in_(ids)).order_by(refund.c.id),
        "order_id",
    )
    return tuple(
        Order(
            number=row.number,
            customer_id=row.customer_id,
            state=row.state,
            placed_at=row.placed_at,
            paid_at=row.paid_at,
            shipped_at=row.shipped_at,
            delivered_at=row.delivered_at,
            completed_at=row.completed_at,
            cancelled_at=row.cancelled_at,
            cancel_reason=row.cancel_reason,
            shipping_fee=row.shipping_fee,
            discount=row.discount,
            total=row.total,
            recipient=row.recipient,
            phone=row.phone,
            city=row.city,
            address=row.address,
            lines=tuple(
                OrderLine(
                    id=r.id,
                    product_id=r.product_id,
                    variant_id=r.variant_id,
                    name=Localized(r.name_zh, r.name_en),
                    colour=r.colour,
                    size=r.size,
                    quantity=r.quantity,
                    price=r.price,
                    picture=r.picture,
                )
                for r in lines[row.id]
            ),
            payments=tuple(
                Payment(r.id, r.method, r.state, r.amount, r.created_at, r.paid_at)
                for r in payments[row.id]
            ),
            refunds=tuple(
                Refund(r.id, r.state, r.amount, r.method, r.created_at, r.due_at, r.done_at)
                for r in refunds[row.id]
            ),
        )
        for row in rows
    )


def _parcels(connection: Connection, wanted: Any) -> tuple[Parcel, ...]:
    parcel, event = schema.parcels, schema.parcel_events
    rows = connection.execute(
        select(parcel, schema.orders.c.number)
        .join(schema.orders, schema.orders.c.id == parcel.c.order_id)
        .where(wanted)
        .order_by(parcel.c.created_at, parcel.c.id)
    ).all()
    if not rows:
        return ()
    events = _by(
        connection,
        select(event)
        .where(event.c.parcel_id.in_([row.id for row in rows]))
        .order_by(event.c.at, event.c.id),
        "parcel_id",
    )
    return tuple(
        Parcel(
            id=row.id,
            order_number=row.number,
            carrier=row.carrier,
            tracking_number=row.tracking_number,
            state=row.state,
            due_on=row.due_on,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
            events=tuple(ParcelEvent(e.at, e.code, e.place) for e in events[row.id]),
        )
        for row in rows
    )


def _products(connection: Connection, ids: Sequence[int]) -> tuple[Product, ...]:
    if not ids:
        return ()
    table, variant = schema.products, schema.variants
    rows = {
        row.id: row for row in connection.execute(select(table).where(table.c.id.in_(set(ids))))
    }
    # The columns of a Variant in its order: shoes come in forty variants, so this must be quick.
    columns = (variant.c[name] for name in ("id", "sku", "colour", "size", "price", "stock"))
    variants: dict[int, list[Variant]] = defaultdict(list)
    for product_id, *values in connection.execute(
        select(variant.c.product_id, *columns)
        .where(variant.c.product_id.in_(rows))
        .order_by(variant.c.id)
    ):
        variants[product_id].append(Variant(*values))
    # A product without variants cannot be bought, so it is not shown.
    return tuple(
        _product(rows[i], variants[i]) for i in dict.fromkeys(ids) if i in rows and i in variants
    )


def _product(row: Row, variants: Sequence[Variant]) -> Product:
    return Product(
        id=row.id,
        name=Localized(row.name_zh, row.name_en),
        description=Localized(row.description_zh, row.description_en),
        category=row.category,
        kind=row.kind,
        brand=Localized(row.brand_zh, row.brand_en),
        attributes=tuple(Attribute(code, Localized(zh, en)) for code, zh, en in row.attributes),
        variants=tuple(variants),
        list_price=row.list_price,
        picture=row.picture,
        rating=row.rating,
        reviews=row.reviews,
        sold=row.sold,
        consumable=row.consumable,
        listed_at=row.listed_at,
    )
