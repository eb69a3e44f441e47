# SPDX-License-Identifier: Apache-2.0
# Two commands do everything on a fresh Debian 12 machine; tools/dev has the rest.
.PHONY: demo test

demo: ## build, start a whole network on this machine, run one paid and verified request, show what happened
	@tools/dev demo

test: ## every check and test that must pass before a change lands
	@tools/dev ci
