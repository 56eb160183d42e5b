# Everything is started from here; `make` alone lists it.

BIN = .venv/bin
PY = $(BIN)/python
.DEFAULT_GOAL = help
.PHONY: help run train test test-spark check chat doctor reset-shop nlu-report constraints clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# CHANNELS=telegram-fake,wechat-fake adds phones to play with.
run: .venv/installed-train  ## install, prepare and start everything, then say where to chat
	@$(PY) -m tools.run

train: .venv/installed-train  ## train what changed since the last model
	@$(PY) -m tools.train

test: .venv/installed-test  ## install and prove everything
	@$(PY) -m tools.test

test-spark: .venv/installed-spark  ## prove the Spark job in local mode (needs a JDK)
	@$(PY) -m pytest tests/shop/recommend/test_spark.py

check: .venv/installed-test  ## lint, types, data validation and unit tests
	@$(PY) -m tools.test --quick

chat: .venv/installed-train  ## chat in the terminal with the bot that `make run` started
	@$(PY) -m tools.chat

doctor: .venv/installed-train  ## check settings, addresses and clock, and say what is wrong
	@$(PY) -m tools.doctor

reset-shop: .venv/installed-train  ## empty the sample shop and fill it again
	@$(PY) -m shop.sample --reset

nlu-report: .venv/installed-train  ## an HTML page on the NLU's examples: confusions, weak ones
	@$(PY) -m bot.nlu.report

constraints: .venv/installed-test  ## pin the newest versions that fit together
	@sh tools/constraints.sh

clean:  ## remove models and everything made, but neither .venv nor the shop's data and secrets
	rm -rf models results .rasa .pytest_cache .mypy_cache .ruff_cache .hypothesis var/encoder

.venv/installed-train: pyproject.toml constraints.txt tools/install.sh
	@sh tools/install.sh train
	@touch $@

.venv/installed-spark: pyproject.toml constraints.txt tools/install.sh
	@sh tools/install.sh train,test,spark
	@touch $@

.venv/installed-test: pyproject.toml constraints.txt tools/install.sh
	@sh tools/install.sh train,test
	@touch $@ .venv/installed-train
