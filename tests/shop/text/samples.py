"""Words out of which hypothesis makes nonsense that looks like sense."""

from __future__ import annotations

SAMPLES = (
    *("三百五", "两千", "1.5万", "两件", "三双", "a dozen ", "half ", "3 pairs ", "300", "2k"),
    *("以内", "左右", "不超过", "到", "块", "元", "$50", " under ", " bucks", "便宜点", "50-100"),
    *("昨天", "上周五", "上个月", "过去三个月", "双十一", "last Friday ", "Nov 3", "11月3号"),
    *("2026-02-30", "2月30号", "the 31st ", "三天前", "3 days ago "),
    *("黑色", "navy ", "M码", "42", "size 8 ", "2XL", "第二个", "the last one ", "这个", "both "),
    *("换一批", "不要", "no ", "earphones", "耳机", "除了", "next page", "还有吗", "下一页"),
    *("170/65kg", "身高170", "体重120斤", "5'7\" ", "150lb ", "送女朋友", "for my dad ", "生日"),
)
