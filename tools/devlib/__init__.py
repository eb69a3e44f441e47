# SPDX-License-Identifier: Apache-2.0
"""The commands of tools/dev. Standard library only."""
