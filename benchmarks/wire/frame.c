#include "frame.h"

#include <string.h>

enum {
    FIN_BIT = 0x80,
    RSV1_BIT = 0x40,
    OPCODE_BITS = 0x0F,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_IN_TWO_BYTES = 126,
    LENGTH_IN_EIGHT_BYTES = 127,
    SHORT_HEAD_BYTES = 2,
    TWO_BYTE_MAX = 0xFFFF,
};

static uint64_t parse_big_endian(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void encode_big_endian(uint8_t *out, uint64_t value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

static unsigned length_bytes(uint8_t length_field)
{
    if (length_field < LENGTH_IN_TWO_BYTES)
        return 0;
    return length_field == LENGTH_IN_TWO_BYTES ? 2 : 8;
}

unsigned frame_parse(const uint8_t *bytes, size_t available, struct FrameHead *head)
{
    if (available < SHORT_HEAD_BYTES)
        return 0;
    uint8_t field = bytes[1] & LENGTH_BITS;
    unsigned extra = length_bytes(field);
    head->fin = bytes[0] & FIN_BIT;
    head->compressed = bytes[0] & RSV1_BIT;
    head->opcode = bytes[0] & OPCODE_BITS;
    head->masked = bytes[1] & MASK_BIT;
    head->key = 0;
    unsigned key_at = SHORT_HEAD_BYTES + extra;
    unsigned size = key_at + (head->masked ? FRAME_KEY_BYTES : 0);
    if (available < size)
        return 0;
    head->length = extra ? parse_big_endian(bytes + SHORT_HEAD_BYTES, extra) : field;
    if (head->masked)
        memcpy(&head->key, bytes + key_at, FRAME_KEY_BYTES);
    head->size = (uint8_t)size;
    return size;
}

unsigned frame_encode(uint8_t *out, const struct FrameHead *head)
{
    uint8_t field = head->length < LENGTH_IN_TWO_BYTES ? (uint8_t)head->length
                    : head->length <= TWO_BYTE_MAX     ? LENGTH_IN_TWO_BYTES
                                                       : LENGTH_IN_EIGHT_BYTES;
    unsigned extra = length_bytes(field);
    out[0] =
        (uint8_t)((head->fin ? FIN_BIT : 0) | (head->compressed ? RSV1_BIT : 0) | head->opcode);
    out[1] = (uint8_t)((head->masked ? MASK_BIT : 0) | field);
    encode_big_endian(out + SHORT_HEAD_BYTES, head->length, extra);
    unsigned size = SHORT_HEAD_BYTES + extra;
    if (head->masked) {
        memcpy(out + size, &head->key, FRAME_KEY_BYTES);
        size += FRAME_KEY_BYTES;
    }
    return size;
}
