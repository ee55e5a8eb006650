"""Where the mask keys of clients come from: the reference of what `native.masking` draws."""

import os

from trunkline.protocol.masking import MASK_KEY_BYTES


def new_mask_key() -> bytes:
    """Draw a key that the application cannot foresee (RFC 6455 §5.3, §10.3)."""
    return os.urandom(MASK_KEY_BYTES)
