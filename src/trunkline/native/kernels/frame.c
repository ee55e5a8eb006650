#include "frame.h"

enum {
    RESERVED = 0x30,
    LENGTH = 0x7F,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
    KEY_BYTES = 4
};
#define MAX_16_BIT 0xFFFFu
#define MAX_63_BIT 0x7FFFFFFFFFFFFFFFu

static uint64_t big_endian(const uint8_t *data, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | data[i];
    return number;
}

/* What is wrong with a control frame or an opcode shows in the first two bytes. */
static int is_wrong_start(uint8_t first, uint8_t second, int is_masked)
{
    uint8_t opcode = first & TL_OPCODE;

    if ((first & RESERVED) || !(second & TL_MASK) != !is_masked)
        return 1;
    if (!(opcode & TL_CONTROL))
        return opcode > 2;
    return opcode > 0xA || (first & TL_RSV1) || !(first & TL_FIN) ||
           (second & LENGTH) > TL_SHORT_LENGTH;
}

static int is_wrong_length(uint64_t length, uint8_t short_length)
{
    return length > MAX_63_BIT ||
           length <= (short_length == LENGTH_16 ? TL_SHORT_LENGTH : MAX_16_BIT);
}

static tl_header_state incomplete(tl_frame *frame, size_t needed)
{
    frame->needed = (uint8_t)needed;
    return TL_HEADER_INCOMPLETE;
}

tl_header_state tl_parse_any_header(tl_frame *frame, const uint8_t *data, size_t size,
                                    int is_masked)
{
    uint8_t short_length;
    size_t length_end = 2;

    if (size < length_end)
        return incomplete(frame, length_end);
    if (is_wrong_start(data[0], data[1], is_masked))
        return TL_HEADER_WRONG;
    frame->first = data[0];
    frame->length = short_length = data[1] & LENGTH;
    if (short_length >= LENGTH_16) {
        length_end += short_length == LENGTH_16 ? 2 : 8;
        if (size < length_end)
            return incomplete(frame, length_end);
        frame->length = big_endian(data + 2, length_end - 2);
        if (is_wrong_length(frame->length, short_length))
            return TL_HEADER_WRONG;
    }
    frame->size = (uint8_t)(length_end + (is_masked ? KEY_BYTES : 0));
    if (size < frame->size)
        return incomplete(frame, frame->size);
    memset(frame->key, 0, KEY_BYTES);
    if (is_masked)
        memcpy(frame->key, data + length_end, KEY_BYTES);
    return TL_HEADER_COMPLETE;
}

size_t tl_header_size(uint64_t length, int is_masked)
{
    size_t size = is_masked ? 2 + KEY_BYTES : 2;

    if (length <= TL_SHORT_LENGTH)
        return size;
    return size + (length <= MAX_16_BIT ? 2 : 8);
}

size_t tl_encode_any_header(uint8_t *target, uint8_t first, uint64_t length, const uint8_t *key)
{
    uint8_t masked = key ? TL_MASK : 0;
    size_t length_bytes = 0, size = 2;

    target[0] = first;
    if (length <= TL_SHORT_LENGTH) {
        target[1] = (uint8_t)(masked | length);
    } else {
        length_bytes = length <= MAX_16_BIT ? 2 : 8;
        target[1] = masked | (length_bytes == 2 ? LENGTH_16 : LENGTH_64);
    }
    for (; length_bytes; length_bytes--)
        target[size++] = (uint8_t)(length >> (8 * (length_bytes - 1)));
    if (key) {
        memcpy(target + size, key, KEY_BYTES);
        size += KEY_BYTES;
    }
    return size;
}
