"""Chat on the web: a page, a widget for shop pages, and the sockets behind them."""
