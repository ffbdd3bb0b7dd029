#include "protocol.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool
send_packet (int to, enum packet type, const void *bytes, size_t size, int flags)
{
  char first = (char) type;
  struct iovec parts[] = { { &first, 1 }, { (void *) (uintptr_t) bytes, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  ssize_t sent;
  do
    sent = sendmsg (to, &message, MSG_NOSIGNAL | flags);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}
