/* System calls younger than the C libraries we build with; numbers are the same on every architecture. */
#ifndef PULLRUN_KERNEL_H
#define PULLRUN_KERNEL_H

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { K_OPEN_TREE = 428, K_MOVE_MOUNT, K_FSOPEN, K_FSCONFIG, K_FSMOUNT };
enum { K_PIDFD_SEND_SIGNAL = 424, K_PIDFD_OPEN = 434, K_CLOSE_RANGE = 436, K_OPENAT2, K_MOUNT_SETATTR = 442 };

enum { K_FSOPEN_CLOEXEC = 1, K_FSMOUNT_CLOEXEC = 1, K_MOVE_MOUNT_F_EMPTY_PATH = 4, K_MOVE_MOUNT_T_EMPTY_PATH = 0x40 };
enum { K_OPEN_TREE_CLONE = 1, K_OPEN_TREE_CLOEXEC = 02000000, K_AT_RECURSIVE = 0x8000 };
enum { K_FSCONFIG_SET_FLAG = 0, K_FSCONFIG_SET_STRING = 1, K_FSCONFIG_CMD_CREATE = 6 };
enum { K_CLOSE_RANGE_CLOEXEC = 4 };
enum { K_MFD_EXEC = 0x10 };

/* struct open_how and struct mount_attr of the kernel's ABI. */
struct k_open_how {
  uint64_t flags, mode, resolve;
};
enum { K_NO_XDEV = 1, K_NO_MAGICLINKS = 2, K_NO_SYMLINKS = 4, K_BENEATH = 8, K_IN_ROOT = 16 };

struct k_mount_attr {
  uint64_t set, clear, propagation, user_namespace;
};
enum {
  K_ATTR_RDONLY = 1,
  K_ATTR_NOSUID = 2,
  K_ATTR_NODEV = 4,
  K_ATTR_NOEXEC = 8,
  K_ATTR_ATIME = 0x70,
  K_ATTR_NOATIME = 0x10,
  K_ATTR_STRICTATIME = 0x20,
  K_ATTR_NODIRATIME = 0x80
};

/* fork(2) with flags. The order of clone's other arguments differs between architectures; all are 0. */
static inline pid_t
k_clone (uint64_t flags)
{
  return (pid_t) syscall (SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static inline int
k_pidfd_open (pid_t pid)
{
  return (int) syscall (K_PIDFD_OPEN, pid, 0);
}

static inline int
k_pidfd_send_signal (int fd, int number)
{
  return (int) syscall (K_PIDFD_SEND_SIGNAL, fd, number, NULL, 0);
}

static inline int
k_openat2 (int dir, const char *path, struct k_open_how how)
{
  return (int) syscall (K_OPENAT2, dir, path, &how, sizeof how);
}

static inline int
k_open_tree (int dir, const char *path, unsigned flags)
{
  return (int) syscall (K_OPEN_TREE, dir, path, flags | K_OPEN_TREE_CLOEXEC);
}

/* Puts the detached mount on the very file `target` is open on. */
static inline int
k_attach (int tree, int target)
{
  return (int) syscall (K_MOVE_MOUNT, tree, "", target, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int
k_fsopen (const char *type)
{
  return (int) syscall (K_FSOPEN, type, K_FSOPEN_CLOEXEC);
}

static inline int
k_fsconfig (int context, unsigned command, const char *key, const char *value)
{
  return (int) syscall (K_FSCONFIG, context, command, key, value, 0);
}

static inline int
k_fsmount (int context, unsigned attributes)
{
  return (int) syscall (K_FSMOUNT, context, K_FSMOUNT_CLOEXEC, attributes);
}

static inline int
k_mount_setattr (int mount, unsigned flags, struct k_mount_attr attr)
{
  return (int) syscall (K_MOUNT_SETATTR, mount, "", flags, &attr, sizeof attr);
}

#endif
