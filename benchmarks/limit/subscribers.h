/* Everybody who hears what is published. */
#ifndef LIMIT_SUBSCRIBERS_H
#define LIMIT_SUBSCRIBERS_H

#include "connection.h"

void subscribers_add(struct Connection *connection);
void subscribers_remove(struct Connection *connection);

/* Send the same bytes to each of them. */
void subscribers_send(int epoll, const uint8_t *bytes, size_t length);

#endif
