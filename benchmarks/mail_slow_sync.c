/* Every sync takes DELAY_MS longer: a slower disk, for `python -m benchmarks.mail --sync-delay`.
   Several threads' or processes' syncs may overlap, as on a disk with a queue. Linked with no library, it asks
   for no version of one, so what is compiled here can be loaded in an unpacked Debian, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int later(long result) {
    struct timespec left = {DELAY_MS / 1000, DELAY_MS % 1000 * 1000000L};
    int error = errno;
    while (nanosleep(&left, &left) && errno == EINTR) {}
    errno = error;
    return (int)result;
}

int fsync(int fd) { return later(syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return later(syscall(SYS_fdatasync, fd)); }
int syncfs(int fd) { return later(syscall(SYS_syncfs, fd)); }
int sync_file_range(int fd, off64_t offset, off64_t octets, unsigned int flags) {
    long result = syscall(SYS_sync_file_range, fd, offset, octets, flags);
    int waits = flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER);
    return waits ? later(result) : (int)result;
}
