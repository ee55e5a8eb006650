"""Masking (RFC 6455 §5.3)."""

MASK_KEY_BYTES = 4

# For each byte of a key, what it makes of every byte of a payload. A lane of a payload, every
# fourth byte, meets one byte of the key: translating the four lanes is three times as fast as
# one XOR of integers as long as the payload (1 MiB: 3.2 ms, not 11.5).
TABLES = [bytes(byte ^ key_byte for byte in range(256)) for key_byte in range(256)]


def apply_mask(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """Mask or unmask `data`, which is the same thing.

    Args:
        data: part of a payload.
        key: the frame's four masking bytes.
        offset: where in the payload `data` begins.
    """
    masked = bytearray(data)
    for lane in range(MASK_KEY_BYTES):
        table = TABLES[key[(lane + offset) % MASK_KEY_BYTES]]
        masked[lane::MASK_KEY_BYTES] = masked[lane::MASK_KEY_BYTES].translate(table)
    return bytes(masked)
