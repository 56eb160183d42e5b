"""WeChat: the Official Account (公众号, `official.py`) and 微信客服 (`kf.py`)."""
