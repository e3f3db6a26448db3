# mmbench: every target does what its `mmbench` verb does. `make help` lists them.
#
# These pass through: SCALE=full|small|demo SEEDS=N ON=inline|local|slurm JOBS=N READING=paper|released (and RAW=DIR LISTS=DIR for data-...)

PYTHON ?= python3.11
VENV := .venv
READY := $(VENV)/ready
MMBENCH := $(VENV)/bin/python -m mmbench
options = $(if $(SCALE),--scale $(SCALE)) $(if $(READING),--reading $(READING))
run_options = $(options) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ON),--on $(ON)) $(if $(JOBS),--jobs $(JOBS))
# Judge and print what there is also when some jobs failed, then end as the run ended.
run_and_report = $(MMBENCH) run $(1) $(2); code=$$?; [ $$code -gt 1 ] || $(MMBENCH) report $(1) $(3) || exit $$?; exit $$code

.PHONY: help install demo test smoke measure lint report regress speed all
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/; s/%/.../' | expand -t 16

install: $(READY)  ## make .venv with all packages at the versions of constraints.txt

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "mmbench needs Python 3.11: make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "no virtual environment: on Debian, apt install python3.11-venv"; exit 2; }
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## two sweeps on the stand-in with 5 seeds, judged and reported: a few minutes
	@$(call run_and_report,mmcosine-scale::cd arl-gamma,--scale demo --seeds $(or $(SEEDS),5) $(if $(ON),--on $(ON)) $(if $(JOBS),--jobs $(JOBS)),--scale demo)

test: $(READY)  ## the tests
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2 --dist loadgroup -rs

smoke: $(READY)  ## every cell of every table: its true network, two steps on generated inputs
	@$(MMBENCH) smoke $(if $(JOBS),--jobs $(JOBS))

measure: $(READY)  ## how long the cells take on this machine, which NAME= names; BUDGET=10m
	@$(if $(NAME),,echo "name the machine: make measure NAME=..."; exit 2;) $(MMBENCH) measure $(NAME) --budget $(or $(BUDGET),10m)

lint: $(READY)  ## ruff and pyright
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/ruff format --check --quiet .
	$(VENV)/bin/python -m pyright

report: $(READY)  ## judge what is recorded: results/tables
	@$(MMBENCH) report $(options)

regress: $(READY)  ## train one cell of every kind and compare with what was accepted; SCALE=small: on your own data
	@$(MMBENCH) regress $(if $(SCALE),--scale $(SCALE)) $(if $(JOBS),--jobs $(JOBS)) $(if $(ACCEPT),--accept "$(ACCEPT)")

speed: $(READY)  ## what everything costs, as ratios within one run: a table, and .benchmarks/speed.json
	@mkdir -p .benchmarks
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest tests/speed --benchmark-only --benchmark-quiet --benchmark-json .benchmarks/speed.json

table-%: $(READY)  ## run one table and report it; its id is shown by `mmbench list`
	@$(call run_and_report,$*,$(run_options),$(options))

paper-%: $(READY)  ## run all tables of one paper (mmcosine, smv, arl, cmvqvae) and report them
	@$(call run_and_report,$*,$(run_options),$(options))

data-%: $(READY)  ## prepare one dataset: RAW=DIR, or RAW="NAME=DIR NAME=DIR" where it has several sources; LISTS=DIR
	@$(if $(RAW),,echo "name the raw download: make $@ RAW=DIR"; exit 2;) $(MMBENCH) data prepare $* $(RAW:%=--raw %) $(if $(LISTS),--lists $(LISTS)) $(if $(JOBS),--jobs $(JOBS))

all: $(READY)  ## run every table and report
	@$(call run_and_report,all,$(run_options),$(options))
