/* The validator agrees with RFC 3629 read literally, wherever the text is cut. */
#include <assert.h>

#include "exact.h"
#include "utf8.h"

enum { WRONG = -1, CUT = 0 };

static int in_tail(const uint8_t *text, int bytes)
{
    for (int i = 1; i < bytes; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return 1;
}

static uint32_t code_point(const uint8_t *text, int bytes)
{
    static const uint8_t mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = text[0] & mask[bytes];

    for (int i = 1; i < bytes; i++)
        point = point << 6 | (text[i] & 0x3F);
    return point;
}

/* Whether any code point from `first` to `last` may be written in `bytes` bytes. */
static int any_allowed(uint32_t first, uint32_t last, int bytes)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (first < smallest[bytes])
        first = smallest[bytes];
    if (last > 0x10FFFF)
        last = 0x10FFFF;
    return first <= last && !(first >= 0xD800 && last <= 0xDFFF);
}

/* Whether `have` bytes of a code point can be completed: tried with the least and the most. */
static int can_become(const uint8_t *text, int have, int bytes)
{
    uint8_t least[4], most[4];

    memset(least, 0x80, sizeof least);
    memset(most, 0xBF, sizeof most);
    memcpy(least, text, have);
    memcpy(most, text, have);
    return in_tail(least, bytes) && any_allowed(code_point(least, bytes), code_point(most, bytes), bytes);
}

/* Give the bytes of the first code point, CUT where more could make it one, or WRONG. */
static int step(const uint8_t *text, size_t size)
{
    int bytes = text[0] < 0x80 ? 1 : text[0] < 0xC0 ? 0 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    int have = size < (size_t)bytes ? (int)size : bytes;

    if (bytes == 0 || text[0] > 0xF7 || !can_become(text, have, bytes))
        return WRONG;
    return have < bytes ? CUT : bytes;
}

/* Give how the whole text ends: 1 between two code points, CUT inside of one, or WRONG. */
static int judge(const uint8_t *text, size_t size)
{
    while (size) {
        int bytes = step(text, size);

        if (bytes <= 0)
            return bytes;
        text += bytes;
        size -= bytes;
    }
    return 1;
}

static int feed(tl_utf8 *state, const uint8_t *text, size_t size)
{
    uint8_t *copy = exact_copy(text, size);
    int is_right = tl_utf8_feed(state, copy, size);

    free(copy);
    return is_right;
}

static int verdict(const tl_utf8 *state, int is_right)
{
    return !is_right ? WRONG : state->missing ? CUT : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_utf8 whole = {0}, parts = {0};
    size_t cut, piece;
    int is_right = 1;

    if (size == 0)
        return 0;
    piece = data[0] % 32 + 1;
    data++;
    size--;
    assert(verdict(&whole, feed(&whole, data, size)) == judge(data, size));
    for (cut = 0; is_right && cut < size; cut += piece)
        is_right = feed(&parts, data + cut, size - cut < piece ? size - cut : piece);
    assert(verdict(&parts, is_right) == judge(data, size));
    return 0;
}
