/*
 * Loaded before the C library (LD_PRELOAD), it makes the disk fail for files that end in .db or .db-wal:
 * while the file named by FAULTY_FSYNC is there, every fsync fails; while that of FAULTY_SPACE is, every write does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(const char *variable, int fd) {
  const char *trigger = getenv(variable);
  if (trigger == NULL || access(trigger, F_OK) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return strstr(path, ".db") != NULL;
}

#define REAL(name, result, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

int fsync(int fd) {
  if (!fails("FAULTY_FSYNC", fd)) return REAL("fsync", int, int)(fd);
  errno = EIO;
  return -1;
}

int fdatasync(int fd) {
  if (!fails("FAULTY_FSYNC", fd)) return REAL("fdatasync", int, int)(fd);
  errno = EIO;
  return -1;
}

ssize_t write(int fd, const void *from, size_t count) {
  if (!fails("FAULTY_SPACE", fd)) return REAL("write", ssize_t, int, const void *, size_t)(fd, from, count);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
  if (!fails("FAULTY_SPACE", fd)) return REAL("pwrite", ssize_t, int, const void *, size_t, off_t)(fd, from, count, at);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
  if (!fails("FAULTY_SPACE", fd)) return REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t)(fd, from, count, at);
  errno = ENOSPC;
  return -1;
}
