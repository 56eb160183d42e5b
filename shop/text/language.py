"""Which language to answer in, derived from what was typed and never stored.

How a mixed sentence is decided: its grammar tells, its nouns do not. "我的 order 到哪了" is
Chinese with an English noun; "where is my 包裹" is English with a Chinese one. So Chinese
characters make it Chinese, unless there is no Chinese pronoun, question or particle among them
and at least two English words of grammar (where, is, my). Traditional characters are Chinese.
Numbers, sizes, brands, addresses of pages, emoji and a bare "ok" tell nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]

# More than this decides nothing that the beginning did not.
_LONGEST = 2_000

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
# の is written for 的 in Chinese chats.
_CHINESE_KANA = "の"
# Addresses of pages and mail, commands, mentions, and whatever has a digit in it.
_NO_WORDS = re.compile(
    r"https?://[^\s\u3000-\u9fff]{1,500}|www\.[^\s\u3000-\u9fff]{1,500}|(?<!\S)[/@#][\w.@#-]{1,100}"
    r"|[\w.+-]{1,64}@[\w-]{1,64}\.[A-Za-z.]{2,24}|[A-Za-z0-9-]{0,60}[0-9][A-Za-z0-9-]{0,60}",
    re.ASCII,
)
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][A-Za-z]+)?")

# Pronouns, question words, particles, requests: the skeleton of a Chinese sentence.
_CHINESE_GRAMMAR = re.compile(
    r"[我你您她它咱吗嗎呢吧啊呀嘛啦么麼嘞哦噢怎啥哪谁誰几幾这這那把被给給帮幫请請想要能是有没沒很都还還]"
    r"|什么|甚麼|多少|可以|可不可|为什|為什|[了的]\W{0,20}\Z"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH_GRAMMAR = _words(
    """
    a an the this that these those my your his her its our their mine yours i you he she it we
    they me him us them is are was were am be been do does did have has had can could will would
    should may might must what where when which who whom whose why how of to in on at for from
    with about by as into than if and or but not no any some i'm i'd i've i'll it's that's what's
    where's when's how's isn't don't doesn't didn't can't won't haven't hasn't there there's here
    want need get got please tell show give let let's im dont doesnt didnt cant wont ive whats
    wheres hows
    """
)
# Written by shoppers of both languages, or names: alone they tell nothing.
_NEUTRAL = _words(
    """
    ok okay oki okey okk kk hh hhh hhhh haha hahaha hahahaha lol emm emmm emmmm hmm hmmm em en um
    uh ah oh orz yyds xswl vip app pc ip id no. wifi usb hdmi bluetooth led lcd oled ssd cpu gpu
    ram gps nfc tv pro max plus mini ultra lite air se fe new hot diy pk qq cm mm kg ml gb tb mah
    xs s m l xl xxl xxxl rmb cny usd eur yuan sku ems sf yto zto sto jd iphone ipad ipod imac
    macbook airpods apple huawei xiaomi oppo vivo honor redmi oneplus samsung galaxy sony bose jbl
    lenovo thinkpad dell asus acer canon nikon gopro dji anker logitech nike adidas puma asics
    anta lining uniqlo zara gucci chanel dior prada lego ikea nintendo switch playstation xbox
    kindle paypal alipay wechat visa mastercard unionpay dhl ups fedex usps taobao tmall amazon
    android ios windows mac excel pdf png jpg
    """
)
# Words that are no grammar but common enough to tell even when they are written with a capital.
_COMMON = _words(
    """
    hi hello hey yo bye goodbye thanks thank thx ty cheers sorry yes yeah yep yup nope nah sure
    right great good nice cool awesome perfect wrong bad morning evening afternoon help agent
    human person order orders package parcel delivery shipping refund return exchange cancel track
    tracking price cheap cheaper buy pay payment invoice coupon discount points account password
    size color colour stock address shoes shoe dress shirt pants jacket bag headphones earphones
    phone laptop watch gift hot red blue black white green pink grey gray yellow purple brown stop
    nevermind never mind more next menu start hurry broken missing damaged complaint review where
    what recommend something anything looking
    """
)
_PINYIN = _words(
    """
    nihao ninhao zaima xiexie haode duoshao duoshaoqian kuaidi tuihuo tuikuan huanhuo fahuo baoyou
    youhuo meiyou keyi buyao zenme shenme weishenme dingdan xiadan tuiding quxiao xiugai dizhi
    fapiao fukuan zhifu yunfei wuliu youhuiquan zhuanrengong rengong kefu jiqiren qinqin tousu
    haoping chaping zaijian shide bushi suanle xing haoba queren chima duoda duojiu jitian daohuo
    shoudao tuijian pianyi youmeiyou zaina daonale
    """
)
# Syllables, and those of them that are English words too.
_SYLLABLES = _words(
    """
    ni hao zai xie tui huan huo kuan kuai fa duo shao qian mai zen shen bu shi yao neng gan wo le ne
    xia dao gong ren kan yi xiang gei mei suan dui gai zhi qu xiao ma de me you na di can hen
    """
)
_AMBIGUOUS = _words("ma de me you na di can hen le ne yi")


@dataclass(frozen=True)
class Turn:
    """One turn of the shopper.

    Attributes:
        text: What was typed, or None for a tap on a button or a card.
        lang: The position of the page's (or client's) language switch in that turn, or None.
    """

    text: str | None
    lang: str | None = None


def detect(text: str) -> Language | None:
    """The language of one message, or None when nothing in it tells (see the module's rule)."""
    cut = _NO_WORDS.sub(" ", unicodedata.normalize("NFKC", text[:_LONGEST]))
    han = _HAN.findall(cut)
    kana = [sign for sign in _KANA.findall(cut) if sign not in _CHINESE_KANA]
    if kana and 2 * len(kana) >= len(han):
        return None
    words = _WORD.findall(cut)
    grammar = sum(_plain(word) in _ENGLISH_GRAMMAR for word in words)
    if han:
        framed = _CHINESE_GRAMMAR.search(cut) is not None
        return "en" if grammar >= 2 and grammar + 2 > len(han) / 2 and not framed else "zh"
    if _is_pinyin(words):
        return "zh"
    return "en" if any(_tells_english(word, words) for word in words) else None


def of_conversation(turns: Iterable[Turn], default: str) -> str:
    """The language to answer in.

    The last typed text that tells decides; else the newest known position of the page's switch;
    else `default`. A number or an "ok" therefore changes nothing. A switch that was moved after
    the last telling text was typed is the newer wish, so it decides.

    Args:
        turns: The shopper's turns, newest last.
        default: `zh` or `en`.
    """
    switch: str | None = None  # newest position seen, going back in time
    oldest: str | None = None  # the position in the turn just after the one looked at
    moved = False
    for turn in reversed(list(turns)):
        lang = turn.lang if turn.lang in ("zh", "en") else None
        if lang and oldest and lang != oldest:
            moved = True
        switch, oldest = switch or lang, lang or oldest
        told = detect(turn.text) if turn.text else None
        if told:
            return switch if moved and switch else told
    return switch or default


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def _is_pinyin(words: list[str]) -> bool:
    """Chinese in Latin letters: a common word of it, or syllables that are not all English."""
    plain = [_plain(word) for word in words]
    if not plain or not all(word in _PINYIN or word in _SYLLABLES for word in plain):
        return False
    telling = [word for word in plain if word in _PINYIN or word not in _AMBIGUOUS]
    return any(word in _PINYIN for word in plain) or (len(plain) > 1 and bool(telling))


def _tells_english(word: str, words: list[str]) -> bool:
    plain = _plain(word)
    if plain in _NEUTRAL or len(plain) < 2:
        return plain == "i" and len(words) > 1
    # A capital inside or, next to other words, at the front is a name: iPhone, "Nike Pegasus".
    is_name = not word.islower() and not (word.isupper() and len(words) > 2)
    return plain in _ENGLISH_GRAMMAR or plain in _COMMON or not is_name
