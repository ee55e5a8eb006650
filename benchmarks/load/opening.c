#include "opening.h"

#include "failure.h"

#include <stdio.h>
#include <string.h>

/* The key and the answer to it that RFC 6455 section 1.3 gives as an example. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define OFFER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

enum { HEAD_MAX_BYTES = 4096 };

size_t opening_request(uint8_t *out, size_t room, const char *path, const struct Options *options)
{
    const char *extensions =
        options->is_compressed ? "Sec-WebSocket-Extensions: " OFFER "\r\n" : "";
    int length = snprintf((char *)out, room,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: " KEY "\r\n%s\r\n",
                          path, options->host_header, extensions);
    if ((size_t)length >= room)
        fail("the request has %d bytes, room for %zu", length, room);
    return (size_t)length;
}

static bool check_compression(const char *head, const struct Options *options)
{
    bool is_agreed = strcasestr(head, "permessage-deflate") != NULL;
    if (is_agreed != options->is_compressed)
        fail(is_agreed ? "the server compresses unasked" : "the server refuses to compress");
    return is_agreed && strcasestr(head, "server_no_context_takeover") == NULL;
}

size_t opening_check(const uint8_t *answer, size_t length, const struct Options *options,
                     bool *keeps_context)
{
    const uint8_t *blank_line = memmem(answer, length, "\r\n\r\n", strlen("\r\n\r\n"));
    if (blank_line == NULL)
        return 0;
    char head[HEAD_MAX_BYTES];
    size_t head_length = (size_t)(blank_line - answer) + strlen("\r\n\r\n");
    if (head_length >= sizeof head)
        fail("the answer has a head of %zu bytes, limit %zu", head_length, sizeof head);
    memcpy(head, answer, head_length);
    head[head_length] = '\0';
    if (strncmp(head, "HTTP/1.1 101 ", strlen("HTTP/1.1 101 ")) != 0 ||
        strstr(head, ACCEPT) == NULL) {
        fail("the server did not open the connection: %s", head);
    }
    *keeps_context = check_compression(head, options);
    return head_length;
}
