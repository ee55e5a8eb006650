#include "failure.h"
#include "load.h"
#include "scenarios.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 10, LINE_BYTES = 32 };

static unsigned answered;

static void on_replies(struct Load *load, struct Client *client, unsigned messages)
{
    (void)load;
    (void)client;
    answered += messages;
}

static void on_open(struct Load *load, struct Client *client)
{
    client_queue(load, client, 1);
}

/* Turn, answering pings, until there is a line; return whether there is one. */
static bool read_line(struct Load *load, char *line)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&input, 1, 0) == 0) {
        load_turn(load);
        load_keep_waiting(load);
    }
    return fgets(line, LINE_BYTES, stdin) != NULL;
}

void idle(const struct Options *options)
{
    static struct Load load;
    char line[LINE_BYTES];
    unsigned count = 0;
    load_setup(&load, options, options->connections);
    load.on_replies = on_replies;
    load.on_open = on_open;
    load.wait_ms = WAIT_MS;
    while (read_line(&load, line)) {
        unsigned wanted = (unsigned)atoi(line);
        if (wanted < count || wanted > options->connections) {
            fail("%u connections asked for, between %u and %u", wanted, count,
                 options->connections);
        }
        load_open(&load, count, wanted - count, "/echo");
        count = wanted;
        while (answered < count)
            load_turn(&load);
        printf("%u\n", count);
        fflush(stdout);
    }
    load_close(&load);
}
