/* A head that is plain can be written again from its parts, byte for byte; it is not plain as long as
 * a byte is missing, whatever follows changes nothing, and nothing is read behind what is there. */
#include <assert.h>

#include "exact.h"
#include "head.h"

static const tl_head_limits LIMITS = {4096, 512, 32};

static int is_read(tl_head *head, const uint8_t *data, size_t size)
{
    uint8_t *copy = exact_copy(data, size);
    int is_plain = tl_read_head(head, copy, size, &LIMITS);

    free(copy);
    return is_plain;
}

static size_t expect(const uint8_t *data, size_t at, const char *text)
{
    assert(memcmp(data + at, text, strlen(text)) == 0);
    return at + strlen(text);
}

static size_t expect_field(const uint8_t *data, size_t at, const tl_field *field)
{
    assert(field->name.start == at && field->name.size > 0);
    at = expect(data, at + field->name.size, ": ");
    assert(field->value.start == at);
    at += field->value.size;
    for (size_t i = field->name.start; i < at; i++)
        assert(data[i] == '\t' || (data[i] >= ' ' && data[i] != 0x7F));
    return expect(data, at, "\r\n");
}

static void expect_parts(const tl_head *head, const uint8_t *data)
{
    size_t at = expect(data, 0, "GET ");

    assert(head->count <= LIMITS.max_fields && head->size <= LIMITS.max_head + 4);
    assert(head->target.start == at && head->target.size > 0);
    at = expect(data, at + head->target.size, " HTTP/1.1\r\n");
    assert(at - 2 <= LIMITS.max_line);
    for (uint32_t i = 0; i < head->count; i++)
        at = expect_field(data, at, &head->fields[i]);
    assert(expect(data, at, "\r\n") == head->size);
    for (int known = TL_HOST; known <= TL_KEY; known++)
        assert(head->known[known] != NULL);
    assert(head->known[TL_BODY] == NULL && head->known[TL_KEY]->value.size == 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_head whole, part;

    if (size > 8192 || !is_read(&whole, data, size))
        return 0;
    assert(whole.size <= size);
    expect_parts(&whole, data);
    assert(is_read(&part, data, whole.size) && part.size == whole.size);
    for (size_t cut = 0; cut < whole.size; cut++)
        assert(!is_read(&part, data, cut));
    return 0;
}
