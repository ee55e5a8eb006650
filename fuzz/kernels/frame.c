/* A header means the same however it is cut, nothing is read behind what is there, and encoding
 * what was parsed gives the same bytes again. */
#include <assert.h>

#include "exact.h"
#include "frame.h"

static tl_header_state parse(tl_frame *frame, const uint8_t *data, size_t size, int is_masked)
{
    uint8_t *copy = exact_copy(data, size);
    tl_header_state state = tl_parse_header(frame, copy, size, is_masked);

    free(copy);
    return state;
}

static void expect_round_trip(const tl_frame *frame, const uint8_t *data, size_t size, int is_masked)
{
    uint8_t target[TL_MAX_HEADER];

    assert(frame->size <= size && frame->size <= TL_MAX_HEADER);
    assert(frame->length <= INT64_MAX);
    assert(tl_header_size(frame->length, is_masked) == frame->size);
    assert(tl_encode_header(target, frame->first, frame->length, is_masked ? frame->key : NULL) == frame->size);
    assert(memcmp(target, data, frame->size) == 0);
}

static void try_cuts(const uint8_t *data, size_t size, int is_masked)
{
    tl_header_state state, whole;
    tl_frame frame, last;
    int is_decided = 0;

    whole = parse(&last, data, size, is_masked);
    for (size_t cut = 0; cut <= size; cut++) {
        state = parse(&frame, data, cut, is_masked);
        if (state == TL_HEADER_INCOMPLETE) {
            assert(!is_decided);
            assert(frame.needed > cut && frame.needed <= TL_MAX_HEADER);
            continue;
        }
        is_decided = 1;
        assert(state == whole);
        if (state == TL_HEADER_COMPLETE) {
            assert(frame.length == last.length && frame.size == last.size && frame.first == last.first);
            expect_round_trip(&frame, data, cut, is_masked);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2 * TL_MAX_HEADER)
        size = 2 * TL_MAX_HEADER;
    try_cuts(data, size, 0);
    try_cuts(data, size, 1);
    return 0;
}
