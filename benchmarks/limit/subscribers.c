#include "subscribers.h"

#include "failure.h"

enum { FIRST_ROOM = 64 };

static struct Connection **subscribers;
static uint32_t count, room;

void subscribers_add(struct Connection *connection)
{
    if (count == room) {
        room = room ? 2 * room : FIRST_ROOM;
        subscribers = grown(subscribers, room * sizeof *subscribers);
    }
    connection->place = count;
    subscribers[count++] = connection;
}

void subscribers_remove(struct Connection *connection)
{
    struct Connection *last = subscribers[--count];
    subscribers[connection->place] = last;
    last->place = connection->place;
}

void subscribers_send(int epoll, const uint8_t *bytes, size_t length)
{
    for (uint32_t i = 0; i < count; i++)
        connection_send(epoll, subscribers[i], bytes, length);
}
