#include "head.h"

#include "accept.h"

#include <string.h>
#include <strings.h>

#define START "GET /"
#define VERSION " HTTP/1.1\r\n"

static const char *const NAMES[][2] = {
    [TL_HOST] = {"host"},
    [TL_UPGRADE] = {"upgrade"},
    [TL_CONNECTION] = {"connection"},
    [TL_VERSION] = {"sec-websocket-version"},
    [TL_KEY] = {"sec-websocket-key"},
    [TL_ORIGIN] = {"origin"},
    [TL_PROTOCOL] = {"sec-websocket-protocol"},
    [TL_EXTENSIONS] = {"sec-websocket-extensions"},
    [TL_BODY] = {"content-length", "transfer-encoding"},
};

/* What is left to read. */
typedef struct {
    const uint8_t *data;
    uint32_t at;
    uint32_t end;
} cursor;

/* Characters */

static int is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_token(uint8_t c)
{
    return is_alphanumeric(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int is_target(uint8_t c)
{
    return c > ' ' && c < 0x7F && c != '#';
}

static int is_value(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7F);
}

static int is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Steps */

static tl_span take(cursor *from, int (*is_part)(uint8_t))
{
    tl_span span = {from->at, 0};

    while (from->at < from->end && is_part(from->data[from->at]))
        from->at++;
    span.size = from->at - span.start;
    return span;
}

static int skip(cursor *from, const char *text)
{
    size_t size = strlen(text);

    if (from->end - from->at < size || memcmp(from->data + from->at, text, size) != 0)
        return 0;
    from->at += (uint32_t)size;
    return 1;
}

static int is_text(const uint8_t *data, uint32_t size, const char *text)
{
    return size == strlen(text) && strncasecmp((const char *)data, text, size) == 0;
}

static int is_value_of(const cursor *from, const tl_field *field, const char *text)
{
    return field != NULL && is_text(from->data + field->value.start, field->value.size, text);
}

/* RFC 9112 §3 */
static int read_request_line(cursor *from, tl_head *head, uint32_t max_line)
{
    if (!skip(from, START))
        return 0;
    from->at--; /* the slash belongs to the target */
    head->target = take(from, is_target);
    return skip(from, VERSION) && from->at - 2 <= max_line;
}

/* RFC 9112 §5 */
static int read_field(cursor *from, tl_field *field)
{
    const uint8_t *value;
    uint32_t size;

    field->name = take(from, is_token);
    if (field->name.size == 0 || !skip(from, ": "))
        return 0;
    field->value = take(from, is_value);
    value = from->data + field->value.start;
    size = field->value.size;
    return !(size && (is_space(value[0]) || is_space(value[size - 1]))) && skip(from, "\r\n");
}

/* Take note of a field that is known; 0: it may not be there, or not twice. */
static int note(const cursor *from, tl_head *head, const tl_field *field)
{
    const uint8_t *name = from->data + field->name.start;

    for (int known = 0; known < TL_KNOWN; known++)
        for (int i = 0; i < 2 && NAMES[known][i] != NULL; i++)
            if (is_text(name, field->name.size, NAMES[known][i])) {
                if (known == TL_BODY || head->known[known] != NULL)
                    return 0;
                head->known[known] = field;
                return 1;
            }
    return 1;
}

static int read_fields(cursor *from, tl_head *head, uint32_t max_fields)
{
    head->count = 0;
    while (!skip(from, "\r\n")) {
        tl_field *field = &head->fields[head->count];

        if (head->count == TL_MAX_FIELDS || head->count == max_fields)
            return 0;
        if (!read_field(from, field) || !note(from, head, field))
            return 0;
        head->count++;
    }
    head->size = from->at;
    return 1;
}

/* What the fields say */

static int names_upgrade(const cursor *from, const tl_field *field)
{
    cursor list = {from->data, field->value.start, field->value.start + field->value.size};
    int is_named = 0;

    while (list.at < list.end) {
        tl_span token;

        take(&list, is_space);
        token = take(&list, is_token);
        take(&list, is_space);
        is_named |= is_text(list.data + token.start, token.size, "upgrade");
        if (list.at < list.end && !skip(&list, ","))
            return 0;
    }
    return is_named;
}

static int is_key(const uint8_t *key, uint32_t size)
{
    uint8_t nonce[TL_NONCE_BYTES];

    return size == TL_KEY_CHARACTERS && tl_read_key(nonce, key);
}

static int opens_websocket(const cursor *from, const tl_head *head)
{
    const tl_field *key = head->known[TL_KEY], *connection = head->known[TL_CONNECTION];

    return head->known[TL_HOST] != NULL && key != NULL && connection != NULL &&
           is_value_of(from, head->known[TL_UPGRADE], "websocket") &&
           is_value_of(from, head->known[TL_VERSION], "13") && names_upgrade(from, connection) &&
           is_key(from->data + key->value.start, key->value.size);
}

int tl_read_head(tl_head *head, const uint8_t *data, size_t size, const tl_head_limits *limits)
{
    cursor from = {data, 0, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX};

    memset(head->known, 0, sizeof head->known);
    return read_request_line(&from, head, limits->max_line) &&
           read_fields(&from, head, limits->max_fields) &&
           head->size - 4 <= limits->max_head && opens_websocket(&from, head);
}
