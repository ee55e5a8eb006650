"""Starts the chat: `python -m trunkline.demos.chat`."""

import sys

from trunkline.demos.chat.command import main

sys.exit(main())
