#include "utf8.h"

#include <string.h>

#define NOT_ASCII 0x8080808080808080u

static const uint8_t *skip_ascii(const uint8_t *byte, const uint8_t *end)
{
    uint64_t word;

    for (; end - byte >= 8; byte += 8) {
        memcpy(&word, byte, sizeof word);
        if (word & NOT_ASCII)
            break;
    }
    while (byte < end && *byte < 0x80)
        byte++;
    return byte;
}

/* RFC 3629 §4: no overlong forms (C0, C1, E0 80, F0 80), no surrogates (ED A0), nothing above
 * U+10FFFF (F4 90, F5). */
static int begin(tl_utf8 *text, uint8_t first)
{
    if (first < 0xC2 || first > 0xF4)
        return 0;
    text->missing = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    text->low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    text->high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return 1;
}

static int follow(tl_utf8 *text, uint8_t byte)
{
    if (byte < text->low || byte > text->high)
        return 0;
    text->missing--;
    text->low = 0x80;
    text->high = 0xBF;
    return 1;
}

int tl_utf8_feed(tl_utf8 *text, const uint8_t *part, size_t size)
{
    const uint8_t *byte = part, *end = part + size;

    while (byte < end) {
        if (text->missing) {
            if (!follow(text, *byte++))
                return 0;
        } else {
            byte = skip_ascii(byte, end);
            if (byte < end && !begin(text, *byte++))
                return 0;
        }
    }
    return 1;
}
