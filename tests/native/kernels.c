/* Checks of the kernels that Python cannot make: each kernel for itself, sizes of frames that no
 * memory holds, bytes behind the end. Built and run by test_kernels.py, under the sanitizers. */
#include "accept.h"
#include "frame.h"
#include "head.h"
#include "mask.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                     \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);  \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

static const uint8_t KEY[4] = {0x37, 0xFA, 0x21, 0x3D};

/* Masking */

/* In memory of exactly that size, so that the sanitizer sees every byte too far. */
static void check_kernel(tl_mask_kernel *kernel, size_t size, size_t shift, int in_place)
{
    uint8_t *room = malloc(size + shift + 1), *source = malloc(size + shift + 1);
    uint8_t *target = in_place ? source : room;
    uint32_t key;

    memcpy(&key, KEY, sizeof key);
    for (size_t i = 0; i < size + shift + 1; i++)
        room[i] = source[i] = (uint8_t)(i * 7);
    kernel(target + shift, source + shift, size, key);
    for (size_t i = 0; i < size; i++)
        CHECK(target[shift + i] == (uint8_t)((uint8_t)((i + shift) * 7) ^ KEY[i & 3]));
    for (size_t i = 0; i < shift; i++)
        CHECK(target[i] == (uint8_t)(i * 7));
    CHECK(target[shift + size] == (uint8_t)((shift + size) * 7));
    free(room);
    free(source);
}

static void check_mask(const char *name, tl_mask_kernel *kernel)
{
    for (size_t size = 0; size < 300; size++)
        for (size_t shift = 0; shift < 5; shift++)
            for (int in_place = 0; in_place < 2; in_place++)
                check_kernel(kernel, size, shift, in_place);
    printf("mask %s\n", name);
}

static void check_masks(void)
{
    check_mask("portable", tl_mask_portable);
    check_mask("chosen", tl_mask_large);
#if defined(__x86_64__)
    check_mask("sse2", tl_mask_sse2);
    if (__builtin_cpu_supports("avx2"))
        check_mask("avx2", tl_mask_avx2);
    if (__builtin_cpu_supports("avx512f"))
        check_mask("avx512", tl_mask_avx512);
#elif defined(__aarch64__)
    check_mask("neon", tl_mask_neon);
#endif
}

/* Frame headers */

static void check_header(uint64_t length, int is_masked)
{
    uint8_t header[TL_MAX_HEADER], *exact;
    tl_frame frame;
    size_t size = tl_encode_header(header, 0x82, length, is_masked ? KEY : NULL);
    tl_header_state state;

    CHECK(size == tl_header_size(length, is_masked));
    for (size_t there = 0; there <= size; there++) {
        exact = malloc(there ? there : 1);
        memcpy(exact, header, there);
        state = tl_parse_header(&frame, exact, there, is_masked);
        CHECK(state == (there < size ? TL_HEADER_INCOMPLETE : TL_HEADER_COMPLETE));
        if (there < size)
            CHECK(frame.needed > there && frame.needed <= size);
        free(exact);
    }
    CHECK(frame.first == 0x82 && frame.length == length && frame.size == size);
    CHECK(memcmp(frame.key, is_masked ? KEY : (const uint8_t[4]){0}, 4) == 0);
    CHECK(tl_parse_header(&frame, header, size, !is_masked) == TL_HEADER_WRONG);
}

static void check_headers(void)
{
    const uint64_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 1u << 31, 1ull << 32, INT64_MAX};
    const uint8_t too_long[] = {0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0};
    tl_frame frame;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int is_masked = 0; is_masked < 2; is_masked++)
            check_header(lengths[i], is_masked);
    CHECK(tl_parse_header(&frame, too_long, sizeof too_long, 0) == TL_HEADER_WRONG);
    printf("headers\n");
}

/* UTF-8: every sequence of four bytes that starts like a code point of that size, and each of
 * three, against the ranges of code points in RFC 3629 §3. */

static long decode(const uint8_t *bytes, int size)
{
    static const long SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t LEAD[] = {0, 0x00, 0xC0, 0xE0, 0xF0}, LEAD_BITS[] = {0, 0x80, 0xE0, 0xF0, 0xF8};
    long point;

    if ((bytes[0] & LEAD_BITS[size]) != LEAD[size])
        return -1;
    point = bytes[0] & (uint8_t)~LEAD_BITS[size];
    for (int i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return -1;
        point = point << 6 | (bytes[i] & 0x3F);
    }
    if (point < SMALLEST[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return -1;
    return point;
}

static void check_sequence(const uint8_t *bytes, int size)
{
    tl_utf8 whole = {0}, parts = {0};
    int is_text = tl_utf8_feed(&whole, bytes, size), by_the_byte = 1;

    for (int i = 0; by_the_byte && i < size; i++)
        by_the_byte = tl_utf8_feed(&parts, bytes + i, 1);
    CHECK(is_text == by_the_byte);
    if (decode(bytes, 1) < 0 && (bytes[0] & 0xC0) != 0x80 && size == (bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4))
        CHECK((is_text && !whole.missing) == (decode(bytes, size) >= 0));
}

static void check_text(void)
{
    static const uint8_t EDGES[] = {0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0};
    const size_t edges = sizeof EDGES;
    uint8_t bytes[4];

    for (int first = 0; first < 256; first++)
        for (int second = 0; second < 256; second++)
            for (size_t i = 0; i < edges * edges; i++) {
                bytes[0] = (uint8_t)first;
                bytes[1] = (uint8_t)second;
                bytes[2] = EDGES[i / edges];
                bytes[3] = EDGES[i % edges];
                for (int size = 1; size <= 4; size++)
                    check_sequence(bytes, size);
            }
    printf("utf8\n");
}

/* Heads: each prefix in memory of its size, so that the sanitizer sees every byte too far. */

static const char REQUEST[] = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static int is_plain(tl_head *head, const char *data, size_t size)
{
    static const tl_head_limits LIMITS = {4096, 4096, TL_MAX_FIELDS};
    uint8_t *copy = malloc(size + 1);
    int answer;

    CHECK(copy != NULL);
    copy = realloc(copy, size ? size : 1);
    memcpy(copy, data, size);
    answer = tl_read_head(head, copy, size, &LIMITS);
    free(copy);
    return answer;
}

static void check_heads(void)
{
    const size_t size = strlen(REQUEST);
    char changed[sizeof REQUEST];
    tl_head head;

    for (size_t cut = 0; cut < size; cut++)
        CHECK(!is_plain(&head, REQUEST, cut));
    CHECK(is_plain(&head, REQUEST, size));
    CHECK(head.size == size && head.count == 5 && head.target.size == strlen("/chat"));
    for (size_t at = 0; at < size; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(changed, REQUEST, sizeof REQUEST);
            changed[at] = (char)byte;
            if (is_plain(&head, changed, size))
                CHECK(head.size == size && byte != 0);
        }
    printf("heads\n");
}

static void check_accept(void)
{
    uint8_t accept[TL_ACCEPT_CHARACTERS], nonce[TL_NONCE_BYTES];

    /* The example of RFC 6455 §1.3 */
    tl_accept_key(accept, (const uint8_t *)"dGhlIHNhbXBsZSBub25jZQ==");
    CHECK(memcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof accept) == 0);
    CHECK(tl_read_key(nonce, (const uint8_t *)"dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK(memcmp(nonce, "the sample nonce", sizeof nonce) == 0);
    CHECK(!tl_read_key(nonce, (const uint8_t *)"dGhlIHNhbXBsZSBub25jZR=="));
    CHECK(!tl_read_key(nonce, (const uint8_t *)"dGhlIHNhbXBsZSBub25jZQA="));
    CHECK(!tl_read_key(nonce, (const uint8_t *)"dGhlIHNhbXBsZSBub25jZQ=A"));
    CHECK(!tl_read_key(nonce, (const uint8_t *)"dGhl-HNhbXBsZSBub25jZQ=="));
    printf("accept\n");
}

int main(void)
{
    check_heads();
    check_accept();
    check_masks();
    check_headers();
    check_text();
    return 0;
}
