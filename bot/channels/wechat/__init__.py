"""WeChat: the Official Account (公众号) and 微信客服. `docs/wechat.en.md` turns them on.

crypto.py, xml.py, callback.py  who calls, and what they say
api.py, media.py                calls to WeChat and WeCom: token, errors, uploads
parts.py, menus.py, text.py     what the bot says, in WeChat's forms and sizes
updates.py, windows.py          a push of an Official Account, and its five seconds
sender.py, outbox.py            customer-service messages, quotas; what waits for a better time
official.py                     the channel `wechat`
pulling.py, allowance.py, kf.py the channel `wechat_kf`
handover.py                     how the dialogue asks for a person
menu.py                         the menu at the foot of the chat, a command
diagnosis.py                    for `make doctor`
"""

from bot.channels.wechat.diagnosis import diagnose
from bot.channels.wechat.kf import WechatKf
from bot.channels.wechat.official import Wechat
from bot.channels.wechat.settings import WechatKfSettings, WechatSettings

__all__ = ["Wechat", "WechatKf", "WechatKfSettings", "WechatSettings", "diagnose"]
