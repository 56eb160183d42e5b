"""What a shopper does not want: 换一批, not these, 不要耳机, no earphones, 除了黑色."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shop.text.normalize import Normalized, plain

Kind = Literal["shown", "thing"]


@dataclass(frozen=True)
class Exclusion:
    """Something not wanted.

    Attributes:
        kind: `shown` is what was just offered, `thing` is said in words.
        what: The words for it as typed; empty for what was shown.
        start, end: The span of these words in the original text; of the whole wish for `shown`.
    """

    kind: Kind
    what: str
    start: int
    end: int


_CLASSIFIER = "[个款件双条种张只台套]"
_SHOWN = re.compile(
    rf"换(?:一|几|两|个|点)?(?:[批组些波]|{_CLASSIFIER}(?!色|颜色|尺|码|大|小)(?:别的"
    rf"|其他的?)?)?(?=别的|其[他它]|$|[ ,.。!看吧试])"
    rf"|换一?[批组波]|换别的|换一换|(?:不要|不喜欢|不想要|不看|别推荐)(?:这|那)(?:些"
    rf"|几{_CLASSIFIER}|两?{_CLASSIFIER})"
    rf"|(?:这|那)(?:些|几{_CLASSIFIER}|两?{_CLASSIFIER})?(?:我?都|全|也)?(?:不[要行好]|不喜欢"
    rf"|不想要|不合适|不满意|不太[行好])"
    r"|都不(?:喜欢|要|行|合适|好看?|满意|想要|咋样|怎么样)|一个都不|没有?(?:喜欢|合适|满意|看上)的?"
    r"|(?:还有|有没有|看看|来点|推荐点?)?(?:别的|其[他它]的?)(?:款式?|样|呢|吗|有吗|推荐|选择)"
    r"|(?<![a-z])(?:(?:not|no,?) (?:these|this|those|that|them)(?: ones?)?|none of (?:these|them"
    r"|those)"
    r"|(?:don'?t|do not|didn'?t) (?:really )?(?:like|want|need) (?:these|this|those|that|them"
    r"|any|it|either)(?: of)?(?: ones?| them| these)?"
    r"|something (?:else|different)|different ones?|others(?: please)?|other (?:options|ones"
    r"|choices|suggestions|models|styles)"
    r"|anything else|something other)(?![a-z])",
    re.IGNORECASE,
)
# 不要 before one of these refuses no thing: 不要太贵, 不要紧, 不要超过300.
_NO_THING = (
    "太|那么|这么|了|紧|钱|超|高于|低于|[担着]|再|忘|贵|便宜|这|那|吗|吧|啊|急|错|好意思|用|可以"
    "|能|会|够|知道|行|一样"
)
# Where the words for the thing end.
_ENDS = (
    "[,.;:!?。、]|的?[之以]外|的?话|[都就但我你有想可只给换来]|要|推荐|求|谢|请|[吗吧呢啊]"
    "|还[是有能可]|另外|最好|\\s"
)
_CHINESE = re.compile(
    rf"(?P<sign>(?:能?不能?)?(?:不想要|不想买|不需要|不考虑|不喜欢|不爱|不要|不买|别给我推荐"
    rf"|别给我发|别给我|别推荐|不是(?!吗|吧|有|说)"
    rf"|讨厌|除去|除开|除了|排除|排掉|去掉|不含|不带|不加)[ ]?)(?!{_NO_THING})"
    rf"(?P<what>(?:(?!{_ENDS})[^\n]){{1,16}}(?:[、和或及跟](?:(?!{_ENDS}).){{1,12}}){{0,4}})",
    re.IGNORECASE,
)
_NOT_AFTER_NO = (
    "problem|worries|thanks|thank|way|idea|more|less|later|longer|rush|need|doubt|matter|hurry|one"
    "|not|yes|it|i|you|the|this|that|these|those|them|please|sorry|wait|reply|response|answer|tracking"
)
_NOT_AFTER_NOT = (
    "sure|working|yet|now|too|so|really|that|this|these|those|them|available|received|bad|less|more|over"
    "|under|very|only|what|my|your|good|great|a|the|been|get|going|in|at|it|happy|for|arrived|right|able"
)
_EN_ENDS = (
    r"[,.;:!?\n]|[ ](?:please|but|though|if|because|since|i|we|show|give|only|just|with|under"
    r"|over|for|that|which"
    r"|in|on|and[ ](?:i|show|give|not?|only|under|please)|again|either|recommend|thanks?|anymore"
    r"|at|is|are|do"
    r"|would|what)(?![a-z])"
)
_ENGLISH = re.compile(
    rf"(?<![a-z])(?P<sign>no[ ](?!(?:{_NOT_AFTER_NO})(?![a-z]))"
    rf"|not[ ](?!(?:{_NOT_AFTER_NOT})(?![a-z]))"
    r"|without[ ]|except(?:[ ]for)?[ ]|excluding[ ]|other[ ]than[ ]|apart[ ]from[ ]|(?:anything"
    r"|everything|all)[ ]but[ ]"
    r"|nothing[ ](?:in[ ])?|(?:don'?t|do[ ]not|doesn'?t)[ ](?:really[ ])?(?:want|like|need"
    r"|show[ ]me|recommend|wear|care[ ]for)[ ]"
    r"|(?:i[ ])?hate[ ]|avoid[ ]|exclude[ ]|skip[ ])(?:any[ ]|an?[ ]|the[ ]|more[ ]|to[ ]see[ ]"
    r"|in[ ])?"
    rf"(?P<what>(?:(?!{_EN_ENDS})[^\n]){{2,48}})",
    re.IGNORECASE,
)
_WITHOUT = ("不含", "不带", "不加")
_TAIL = re.compile(r"(?:之类|那种|那类|一类|颜色|款式?)?[的了]?[ 。.]*$|[ ]+$")


def exclusions(text: str | Normalized) -> list[Exclusion]:
    """What is not wanted, in order. `what` may name several things: 不要耳机和手表."""
    read = plain(text)
    found = []
    done = 0
    for match in _SHOWN.finditer(read.text):
        found.append(Exclusion("shown", "", *read.span(*match.span())))
    shown = [(each.start, each.end) for each in found]
    for pattern in (_CHINESE, _ENGLISH):
        done = 0
        for match in pattern.finditer(read.text):
            start, end = match.span("what")
            # 不带帽子的卫衣 is a hoodie.
            if match["sign"][:2] in _WITHOUT and (of := read.text.find("的", start, end)) > start:
                end = of
            if tail := _TAIL.search(read.text, start, end):
                end = tail.start() if tail.start() > start else end
            span = read.span(start, end)
            whole = read.span(*match.span())
            if start < done or any(a < whole[1] and whole[0] < b for a, b in shown):
                continue
            done = end
            found.append(Exclusion("thing", read.original[span[0] : span[1]], *span))
    return sorted(found, key=lambda each: each.start)
