/* A long cable for the bench: joins this network and a namespace by two TUN devices, delays every packet and sends
 * no faster than the line. For kernels without the netem discipline.
 *
 *   cable NAMESPACE_FILE ADDRESS_HERE ADDRESS_THERE DELAY_MS_ONE_WAY MEGABIT_PER_SECOND
 *
 * Prints "ready" when both ends are up; ends with SIGTERM, and the devices go with it. Build: cc -O2 -o cable cable.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1500, SLOTS = 16384, LONGEST_QUEUE = 1000, DEVICE_QUEUE = 1000 };

typedef int64_t nanoseconds;

struct packet {
    nanoseconds arrives;
    int length;
    char bytes[LARGEST];
};

/* One direction: a ring of packets that are under way, and the moment from which the sending end is idle again. */
struct lane {
    int from, to;
    unsigned first, under_way;
    nanoseconds idle_from;
    struct packet *ring;
};

static nanoseconds delay;
static double nanoseconds_per_byte;

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

static nanoseconds now(void) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return (nanoseconds)moment.tv_sec * 1000000000 + moment.tv_nsec;
}

/* A TUN device in the network namespace that this process is in at the moment. */
static int open_end(const char *own, const char *other) {
    struct ifreq request;
    char command[256];
    int end = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (end < 0)
        give_up("/dev/net/tun");
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    strcpy(request.ifr_name, "ibs-cable");
    if (ioctl(end, TUNSETIFF, &request) < 0)
        give_up("TUNSETIFF");
    snprintf(command, sizeof command, "ip address add %s peer %s dev ibs-cable && "
             "ip link set ibs-cable mtu %d txqueuelen %d up", own, other, LARGEST, DEVICE_QUEUE);
    if (system(command) != 0)
        give_up("ip");
    return end;
}

/* Take what waits at the near end; what finds a full queue is lost, as on a real line. */
static void take_in(struct lane *lane) {
    char bytes[65536];
    ssize_t length;
    while ((length = read(lane->from, bytes, sizeof bytes)) > 0) {
        nanoseconds moment = now();
        double waiting;
        struct packet *packet;
        if (lane->idle_from < moment)
            lane->idle_from = moment;
        waiting = (lane->idle_from - moment) / (nanoseconds_per_byte * LARGEST);
        if (length > LARGEST || waiting >= LONGEST_QUEUE || lane->under_way == SLOTS)
            continue;
        lane->idle_from += (nanoseconds)(length * nanoseconds_per_byte);
        packet = &lane->ring[(lane->first + lane->under_way++) % SLOTS];
        packet->arrives = lane->idle_from + delay;
        packet->length = (int)length;
        memcpy(packet->bytes, bytes, length);
    }
}

/* Hand over what has arrived by now at the far end. */
static void hand_over(struct lane *lane) {
    nanoseconds moment = now();
    while (lane->under_way && lane->ring[lane->first].arrives <= moment) {
        struct packet *packet = &lane->ring[lane->first];
        if (write(lane->to, packet->bytes, packet->length) < 0 && errno == EAGAIN)
            return;
        lane->first = (lane->first + 1) % SLOTS;
        lane->under_way--;
    }
}

static void wait_for_something(const struct lane lanes[2]) {
    struct pollfd ends[2] = {{lanes[0].from, POLLIN, 0}, {lanes[1].from, POLLIN, 0}};
    struct timespec rest, *limit = NULL;
    nanoseconds next = INT64_MAX;
    for (int side = 0; side < 2; side++)
        if (lanes[side].under_way && lanes[side].ring[lanes[side].first].arrives < next)
            next = lanes[side].ring[lanes[side].first].arrives;
    if (next != INT64_MAX) {
        nanoseconds left = next - now();
        if (left < 0)
            left = 0;
        rest.tv_sec = left / 1000000000;
        rest.tv_nsec = left % 1000000000;
        limit = &rest;
    }
    if (ppoll(ends, 2, limit, NULL) < 0 && errno != EINTR)
        give_up("ppoll");
}

int main(int count, char **words) {
    struct lane lanes[2];
    int here, there, namespace;
    if (count != 6) {
        fprintf(stderr, "cable NAMESPACE_FILE ADDRESS_HERE ADDRESS_THERE DELAY_MS MEGABIT\n");
        return 2;
    }
    delay = (nanoseconds)(atof(words[4]) * 1e6);
    nanoseconds_per_byte = 8000.0 / atof(words[5]);
    here = open_end(words[2], words[3]);
    namespace = open(words[1], O_RDONLY);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
        give_up(words[1]);
    there = open_end(words[3], words[2]);
    memset(lanes, 0, sizeof lanes);
    lanes[0].from = lanes[1].to = here;
    lanes[1].from = lanes[0].to = there;
    for (int side = 0; side < 2; side++)
        if (!(lanes[side].ring = calloc(SLOTS, sizeof(struct packet))))
            give_up("memory");
    struct sched_param priority = {.sched_priority = 5};
    sched_setscheduler(0, SCHED_FIFO, &priority); /* without it the delay only gets less exact */
    prctl(PR_SET_TIMERSLACK, 1000);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* the cable goes with the bench, however that ends */
    puts("ready");
    fflush(stdout);
    for (;;) {
        wait_for_something(lanes);
        for (int side = 0; side < 2; side++) {
            take_in(&lanes[side]);
            hand_over(&lanes[side]);
        }
    }
}
