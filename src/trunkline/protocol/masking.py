"""Masking (RFC 6455 §5.3)."""

MASK_KEY_BYTES = 4


def apply_mask(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """Mask or unmask `data`, which is the same thing.

    Args:
        data: part of a payload.
        key: the frame's four masking bytes.
        offset: where in the payload `data` begins.
    """
    turn = offset % MASK_KEY_BYTES
    turned = key[turn:] + key[:turn]
    size = len(data)
    mask = (turned * (size // MASK_KEY_BYTES + 1))[:size]
    return (int.from_bytes(data) ^ int.from_bytes(mask)).to_bytes(size)
