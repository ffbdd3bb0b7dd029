/* Errors, descriptors and the state that steps share. */
#ifndef PULLRUN_UTIL_H
#define PULLRUN_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/un.h>

#include "plan.h"

enum exit_status { EXIT_OURS = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_BY_SIGNAL = 128 };

/* A descriptor setns(2) takes, and what of it. */
struct membership {
  int fd;
  int namespaces; /* CLONE_NEW* */
};
#define MAX_MEMBERSHIPS 8

enum { MAX_DAEMONS = 4 };

/* A program that runs as long as the container. */
struct daemon {
  pid_t pid;
  int hold;   /* closing it ends the program */
  int output; /* read end of its standard output */
};
/* Trees held by open-tree steps at once. */
#define MAX_TREES 256
struct service;

/* Written right before exec: nothing after it, and the program runs; nothing at all, and we were killed before. */
#define START_MARK "\001"

struct context {
  const struct plan *plan;
  int status_fd;     /* -1: none */
  bool timed;        /* whether each step's time goes to status_fd too */
  int root;          /* O_PATH descriptor of the container's root; -1 before a root-* step */
  int supervisor;    /* in the child: pipe end that hangs up when the supervisor is gone; else -1 */
  const char *hint;  /* "" for none */
  char **environment;
  char *arguments;   /* of our own command line, as others see them in /proc */
  size_t argument_bytes;
  mode_t umask;      /* for the program: ours is 0, so that modes in the plan are exact */
  struct rlimit files; /* RLIMIT_NOFILE as we found it, if `files_raised` */
  bool files_raised;
  struct membership joins[MAX_MEMBERSHIPS]; /* what the child enters before its first step */
  size_t join_count;
  int user_namespace; /* of the joined container; 0 or less: none */
  pid_t child;         /* in the supervisor: the container's first process, once there is one */
  struct daemon daemons[MAX_DAEMONS];
  size_t daemon_count;
  int trees[MAX_TREES]; /* descriptors; 0: none */
  int started;       /* in the child: START_MARK and failures go there, and exec closes it. What forks from us must too.
                        Else -1 */
  int lock;          /* held by this descriptor; -1: not */
  const struct step *oom_file; /* NULL: none */
  const char *pid_file; /* of another OCI runtime, which is our child in the place of the program; NULL: none */
  struct service *service; /* what the supervisor in the background looks after; NULL in the foreground */
};

#define autoclose __attribute__ ((cleanup (close_descriptor)))
#define autofree __attribute__ ((cleanup (free_pointer)))

/* Unless it is closed: from then on it is -1. errno stays. */
void close_descriptor (int *fd);
void free_pointer (void *pointer);

/*
 * Steps return 0, or -1 after noting what failed here; whoever ran the step decides whether to report it.
 * `fail` takes the error from errno.
 */
int fail (const char *object, const char *what, ...) __attribute__ ((format (printf, 2, 3)));
int fail_with (int error, const char *object, const char *what, ...) __attribute__ ((format (printf, 3, 4)));
int failure_error (void);

/* The noted failure in one line, without a name in front or a line end. */
void failure_line (char *text, size_t size);
/* Writes the noted failure where failures go and, as one JSON line, to the status descriptor. `step` counts from 1. */
void report_failure (const struct context *context, size_t step, const char *kind);

/* CLOCK_MONOTONIC, in nanoseconds. */
long long monotonic_time (void);
/* If those are asked for: when a step began, and how long it took, as a JSON line. `step` counts from 1. */
void report_time (const struct context *context, size_t step, long long began);

/* Whole buffer or -1 with errno. */
int write_all (int fd, const void *bytes, size_t size);
/* Writes an existing file with a single write, as cgroup, sysctl and id map files want it. */
int write_file (const char *path, const char *bytes, size_t size);
/* O_PATH descriptor of the directory a file is in, or -1 with errno. */
int open_directory_of (const char *path);
/* Of a socket in an open directory: a path may have 107 bytes, and a store lies anywhere. False: `name` is too long. */
bool unix_address (struct sockaddr_un *address, int directory, const char *name);
/* A verified /dev/null (character device 1:3) opened with `flags`, or -1 with errno. */
int open_null (int flags);
/* Lifts the soft limit on open files to the hard one, remembering the old for the program. */
void raise_file_limit (struct context *context);
/* What waitpid(2) tells, as a shell has it. */
int status_of (int status);
/* Asks for SIGKILL at the supervisor's death (the kernel forgets this with each change of ids), or dies with it. */
void die_with_supervisor (const struct context *context);

#endif
