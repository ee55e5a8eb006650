#include "load.h"

#include "failure.h"
#include "stopwatch.h"

#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    OPENING_AT_ONCE = 64, /* a listener's backlog is 100 in many a server */
    STALL_SECONDS = 30,
    PATIENCE_MS = 10,
};

#define MEDIAN 0.50
#define NEARLY_ALL 0.99
#define NANOSECONDS_PER_MICROSECOND 1e3

static void do_nothing(struct Load *load, struct Client *client)
{
    (void)load;
    (void)client;
}

static void refuse_replies(struct Load *load, struct Client *client, unsigned messages)
{
    (void)load;
    (void)client;
    fail("%u messages came unasked", messages);
}

void load_setup(struct Load *load, const struct Options *options, unsigned clients)
{
    load->options = *options;
    load->client_count = clients;
    load->clients = zeroed(clients, sizeof *load->clients);
    for (unsigned i = 0; i < clients; i++)
        load->clients[i].queued_at = zeroed(options->depth, sizeof(uint64_t));
    load->wait_ms = options->is_patient ? PATIENCE_MS : 0;
    load->on_replies = refuse_replies;
    load->on_open = do_nothing;
    load->on_close = do_nothing;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    deck_make(&load->deck, options);
    transport_setup(options);
}

/* Turning */

static void check_progress(struct Load *load, int ready)
{
    uint64_t now = now_ns();
    if (ready > 0 || load->progress_at == 0) {
        load->progress_at = now;
    } else if (now - load->progress_at > (uint64_t)STALL_SECONDS * NANOSECONDS_PER_SECOND) {
        fail("the server has not answered for %d s; %u connections are open, %u opening",
             STALL_SECONDS, load->open, load->opening);
    }
}

void load_turn(struct Load *load)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(load->epoll, events, EVENTS, load->wait_ms);
    for (int i = 0; i < ready; i++)
        client_handle(load, events[i].data.ptr, events[i].events);
    check_progress(load, ready);
}

bool load_await_line(struct Load *load, char line[LOAD_LINE_BYTES])
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int usual_wait_ms = load->wait_ms;
    load->wait_ms = PATIENCE_MS;
    while (poll(&input, 1, 0) == 0) {
        load_turn(load);
        load->progress_at = now_ns(); /* the silence is meant to be */
    }
    load->wait_ms = usual_wait_ms;
    return fgets(line, LOAD_LINE_BYTES, stdin) != NULL;
}

void load_hold(struct Load *load)
{
    char line[LOAD_LINE_BYTES];
    if (!load->options.is_held)
        return;
    puts("open");
    fflush(stdout);
    load_await_line(load, line);
}

void load_open(struct Load *load, unsigned from, unsigned count, const char *path)
{
    for (unsigned i = from; i < from + count; i++) {
        client_open(load, &load->clients[i], path, i % load->deck.count);
        while (load->opening >= OPENING_AT_ONCE)
            load_turn(load);
    }
    while (load->opening > 0)
        load_turn(load);
}

void load_run(struct Load *load, double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * NANOSECONDS_PER_SECOND);
    while (now_ns() < end)
        load_turn(load);
}

void load_close(struct Load *load)
{
    for (unsigned i = 0; i < load->client_count; i++)
        if (load->clients[i].phase == OPEN)
            client_close(load, &load->clients[i]);
    while (load->open > 0)
        load_turn(load);
}

/* Measuring */

/* What the clocks of server and load say. */
struct Reading {
    uint64_t now, processor, server_waited, load_waited;
};

static struct Reading read_clocks(const struct Load *load)
{
    pid_t server = load->options.server;
    return (struct Reading){
        .processor = server ? processor_ns(server) : 0,
        .server_waited = server ? waited_ns(server) : 0,
        .load_waited = waited_ns(getpid()),
        .now = now_ns(),
    };
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void load_measure(struct Load *load)
{
    load_run(load, load->options.warm_up);
    struct Reading start = read_clocks(load);
    load->is_measuring = true;
    load_run(load, load->options.seconds);
    load->is_measuring = false;
    struct Reading end = read_clocks(load);
    load->elapsed_ns = end.now - start.now;
    load->processor_ns = end.processor - start.processor;
    load->waited_ns =
        most(end.server_waited - start.server_waited, end.load_waited - start.load_waited);
    load->is_stopping = true;
}

void load_count(struct Load *load, uint64_t queued_at, uint64_t now, unsigned messages)
{
    if (load->is_measuring) {
        load->messages += messages;
        histogram_add(&load->latencies, now - queued_at, messages);
    }
}

void load_print(const struct Load *load)
{
    const struct Histogram *latencies = &load->latencies;
    printf("{\"messages\": %lu, \"seconds\": %.9f, \"cpu_seconds\": %.9f, "
           "\"waited_seconds\": %.9f, \"p50_us\": %.3f, "
           "\"p99_us\": %.3f, \"max_us\": %.3f, \"received_bytes\": %lu, \"reads\": %lu}\n",
           (unsigned long)load->messages, (double)load->elapsed_ns / NANOSECONDS_PER_SECOND,
           (double)load->processor_ns / NANOSECONDS_PER_SECOND,
           (double)load->waited_ns / NANOSECONDS_PER_SECOND,
           (double)histogram_quantile(latencies, MEDIAN) / NANOSECONDS_PER_MICROSECOND,
           (double)histogram_quantile(latencies, NEARLY_ALL) / NANOSECONDS_PER_MICROSECOND,
           (double)latencies->max / NANOSECONDS_PER_MICROSECOND,
           (unsigned long)load->received_bytes, (unsigned long)load->reads);
    fflush(stdout);
}
