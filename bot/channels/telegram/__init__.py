"""Telegram, by its Bot API (https://core.telegram.org/bots/api). `docs/telegram.en.md` turns it on.

updates.py    what Telegram tells, as plain values
rendering.py  neutral messages as calls of the Bot API; `splitting.py` cuts long text
sending.py    makes the calls: order, pace, errors
connector.py  the channel
diagnosis.py  for `make doctor`
"""

from bot.channels.telegram.connector import Telegram
from bot.channels.telegram.diagnosis import diagnose
from bot.channels.telegram.settings import TelegramSettings

__all__ = ["Telegram", "TelegramSettings", "diagnose"]
