// A bad link between a tap and a guest: loses, doubles, delays and reorders frames of both directions, in real time.
//   bad_link TAP LOSS DUPLICATION REORDERING DELAY_US SEED COMMAND...
// The chances are in a million. The command finds its end of the link as descriptor 3, a frame a message. Ends with it,
// and tells then what was lost.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

enum { FRAME_BYTES_MAX = 2048, WAITING_MAX = 4096, GUEST_FD = 3 };

struct frame {
    uint64_t due_ns;
    int to;
    size_t bytes;
    uint8_t data[FRAME_BYTES_MAX];
};

static struct {
    uint32_t loss, duplication, reordering;
    uint64_t delay_ns;
    struct random random;
    struct frame *waiting[WAITING_MAX]; // by due_ns, the last first
    uint32_t waiting_count;
    uint64_t frames, lost;
} link_;

static void fail(const char *what) {
    fprintf(stderr, "bad_link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        fail(name);
    return fd;
}

static void keep(int to, const uint8_t *data, size_t bytes) {
    if (link_.waiting_count == WAITING_MAX) {
        link_.lost++;
        return;
    }
    struct frame *frame = malloc(sizeof *frame);
    frame->to = to;
    frame->bytes = bytes;
    memcpy(frame->data, data, bytes);
    frame->due_ns = now_ns() + link_.delay_ns;
    if (random_chance(&link_.random, link_.reordering))
        frame->due_ns += 1000000 + random_below(&link_.random, 3 * link_.delay_ns + 1);
    uint32_t at = link_.waiting_count++;
    for (; at > 0 && link_.waiting[at - 1]->due_ns <= frame->due_ns; at--)
        link_.waiting[at] = link_.waiting[at - 1];
    link_.waiting[at] = frame;
}

static void take_frames(int from, int to) {
    uint8_t data[FRAME_BYTES_MAX];
    for (ssize_t bytes; (bytes = read(from, data, sizeof data)) > 0;) {
        link_.frames++;
        if (random_chance(&link_.random, link_.loss)) {
            link_.lost++;
            continue;
        }
        keep(to, data, (size_t)bytes);
        if (random_chance(&link_.random, link_.duplication))
            keep(to, data, (size_t)bytes);
    }
}

static void give_due(void) {
    while (link_.waiting_count > 0 && link_.waiting[link_.waiting_count - 1]->due_ns <= now_ns()) {
        struct frame *frame = link_.waiting[--link_.waiting_count];
        if (write(frame->to, frame->data, frame->bytes) < 0)
            link_.lost++;
        free(frame);
    }
}

static int wait_ms(void) {
    if (link_.waiting_count == 0)
        return 1000;
    uint64_t due_ns = link_.waiting[link_.waiting_count - 1]->due_ns, now = now_ns();
    return due_ns <= now ? 0 : (int)((due_ns - now) / 1000000) + 1;
}

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
    (void)number;
    asked_to_end = 1;
}

static pid_t start(char **command, int fd) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(fd, GUEST_FD) < 0)
        fail("dup2");
    execvp(command[0], command);
    fail(command[0]);
    return 0;
}

int main(int count, char **words) {
    if (count < 8)
        return 2;
    link_.loss = (uint32_t)strtoul(words[2], NULL, 10);
    link_.duplication = (uint32_t)strtoul(words[3], NULL, 10);
    link_.reordering = (uint32_t)strtoul(words[4], NULL, 10);
    link_.delay_ns = strtoull(words[5], NULL, 10) * 1000;
    link_.random.state = strtoull(words[6], NULL, 10);
    int tap = open_tap(words[1]), ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        fail("socketpair");
    int bytes = 4 << 20; // unlike a tap, a socket that is full makes its writer fail
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    pid_t guest = start(words + 7, ends[1]);
    close(ends[1]);
    int status = 0;
    while (!asked_to_end && waitpid(guest, &status, WNOHANG) == 0) {
        struct pollfd polled[] = {{.fd = tap, .events = POLLIN}, {.fd = ends[0], .events = POLLIN}};
        poll(polled, 2, wait_ms());
        take_frames(tap, ends[0]);
        take_frames(ends[0], tap);
        give_due();
    }
    kill(guest, SIGKILL);
    waitpid(guest, &status, 0);
    fprintf(stderr, "bad_link: %llu of %llu frames were lost\n", (unsigned long long)link_.lost,
            (unsigned long long)link_.frames);
    return asked_to_end ? 0 : 1;
}
