/* Every sync takes DELAY_MS longer: a slower disk, for `python -m benchmarks.mail --sync-delay`; slow.py
   says what is slowed and how. Linked with no library, it asks for no version of one, so what is compiled here
   can be loaded in an unpacked Debian, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DELAY (DELAY_MS * 1000000LL)
#define DESCRIPTORS 65536 /* of one above, a write-out that was begun is not known */

/* When a file's write-out was begun and not yet waited for, in nanoseconds; 0 for none. */
static _Atomic long long begun[DESCRIPTORS];

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void wait_until(long long due) {
    struct timespec time = {due / 1000000000, due % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {}
}

static long long forget(int fd) {
    return fd >= 0 && fd < DESCRIPTORS && begun[fd] ? atomic_exchange(&begun[fd], 0) : 0;
}

static int later(long result) {
    int error = errno;
    wait_until(now() + DELAY);
    errno = error;
    return (int)result;
}

int fsync(int fd) { return later(syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return later(syscall(SYS_fdatasync, fd)); }
int syncfs(int fd) { return later(syscall(SYS_syncfs, fd)); }

int sync_file_range(int fd, off64_t offset, off64_t octets, unsigned int flags) {
    long long began = now();
    long result = syscall(SYS_sync_file_range, fd, offset, octets, flags);
    int error = errno;
    if (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)) {
        long long earlier = forget(fd);
        wait_until((earlier ? earlier : began) + DELAY);
    } else if (!result && flags & SYNC_FILE_RANGE_WRITE && fd < DESCRIPTORS) {
        begun[fd] = began;
    }
    errno = error;
    return (int)result;
}

/* The number may be another file's next. */
int close(int fd) {
    forget(fd);
    return (int)syscall(SYS_close, fd);
}
