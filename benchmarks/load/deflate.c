#include "deflate.h"

#include "failure.h"

#include <stdlib.h>
#include <zlib.h>

enum { RAW_WINDOW = -15, MEMORY_LEVEL = 8, TAIL_BYTES = 4, MARGIN_BYTES = 64 };

/* Every compressed message ends with these, which are not sent. */
static const uint8_t TAIL[TAIL_BYTES] = {0x00, 0x00, 0xFF, 0xFF};

size_t deflate_bound(size_t length)
{
    return compressBound(length) + MARGIN_BYTES;
}

size_t deflate_message(const uint8_t *message, size_t length, const uint8_t **out)
{
    static uint8_t *buffer;
    z_stream stream = {0};
    size_t room = deflate_bound(length);
    buffer = grown(buffer, room);
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        fail("zlib does not start");
    }
    stream.next_in = (uint8_t *)message;
    stream.avail_in = (unsigned)length;
    stream.next_out = buffer;
    stream.avail_out = (unsigned)room;
    deflate(&stream, Z_SYNC_FLUSH);
    size_t written = room - stream.avail_out - TAIL_BYTES;
    deflateEnd(&stream);
    *out = buffer;
    return written;
}

struct Inflater {
    z_stream stream;
};

static void inflate_piece(z_stream *stream, const uint8_t *piece, size_t length)
{
    stream->next_in = (uint8_t *)piece;
    stream->avail_in = (unsigned)length;
    int status = inflate(stream, Z_SYNC_FLUSH);
    if ((status != Z_OK && status != Z_BUF_ERROR) || stream->avail_in != 0)
        fail("a compressed reply does not inflate: %s", stream->msg ? stream->msg : "too long");
}

struct Inflater *inflater_make(void)
{
    struct Inflater *inflater = zeroed(1, sizeof *inflater);
    if (inflateInit2(&inflater->stream, RAW_WINDOW) != Z_OK)
        fail("zlib does not start");
    return inflater;
}

void inflater_free(struct Inflater *inflater)
{
    if (inflater != NULL)
        inflateEnd(&inflater->stream);
    free(inflater);
}

void inflater_reset(struct Inflater *inflater)
{
    inflateReset(&inflater->stream);
}

size_t inflater_message(struct Inflater *inflater, const uint8_t *compressed, size_t length,
                        uint8_t *out, size_t room)
{
    z_stream *stream = &inflater->stream;
    stream->next_out = out;
    stream->avail_out = (unsigned)room;
    inflate_piece(stream, compressed, length);
    inflate_piece(stream, TAIL, TAIL_BYTES);
    return room - stream->avail_out;
}
