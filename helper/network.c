#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
set_address (struct sockaddr *to, const char *text)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  bool good = inet_pton (AF_INET, text, &address.sin_addr) == 1;
  memcpy (to, &address, sizeof address);
  return good;
}

static void
set_mask (struct sockaddr *to, uint64_t prefix)
{
  uint32_t mask = prefix == 0 ? 0 : ~(uint32_t) 0 << (32 - prefix);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (mask) } };
  memcpy (to, &address, sizeof address);
}

static int
bring_up (int fd, struct ifreq *request)
{
  if (ioctl (fd, SIOCGIFFLAGS, request) < 0)
    return -1;
  request->ifr_flags |= IFF_UP;
  return ioctl (fd, SIOCSIFFLAGS, request);
}

int
step_loopback (struct context *context, const struct step *step)
{
  struct ifreq request = { .ifr_name = "lo" };
  (void) context, (void) step;
  autoclose int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return fd < 0 || bring_up (fd, &request) < 0 ? fail ("lo", "cannot bring up interface") : 0;
}

/* Name, IPv4 address, prefix length, and the gateway for everything else ("" for none), in our network namespace. */
int
step_interface (struct context *context, const struct step *step)
{
  const char *name = step_string (step, 0), *gateway = step_string (step, 3);
  uint64_t prefix = step_integer (step, 2);
  struct ifreq address = { 0 }, mask = { 0 }, flags = { 0 };
  struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
  (void) context;
  if (step->argv[0].length >= IFNAMSIZ || prefix > 32 || !set_address (&address.ifr_addr, step_string (step, 1))
      || (*gateway && !set_address (&route.rt_gateway, gateway)))
    return fail_with (EINVAL, name, "cannot configure interface");
  strcpy (address.ifr_name, name);
  strcpy (mask.ifr_name, name);
  strcpy (flags.ifr_name, name);
  set_mask (&mask.ifr_netmask, prefix);
  set_mask (&route.rt_dst, 0);
  set_mask (&route.rt_genmask, 0);
  autoclose int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl (fd, SIOCSIFADDR, &address) < 0 || ioctl (fd, SIOCSIFNETMASK, &mask) < 0
      || bring_up (fd, &flags) < 0)
    return fail (name, "cannot configure interface");
  return *gateway && ioctl (fd, SIOCADDRT, &route) < 0 ? fail (gateway, "cannot set the default route") : 0;
}

/* Ports held until we end; a plan whose host phase runs again finds its own. */
static struct reservation {
  const struct step *step;
  int fd;
} *reservations;
static size_t reservation_count;

static int
keep (const struct step *step, int fd)
{
  struct reservation *grown = realloc (reservations, (reservation_count + 1) * sizeof *grown);
  if (!grown)
    return -1;
  reservations = grown;
  reservations[reservation_count++] = (struct reservation){ step, fd };
  return 0;
}

/* Its size, or 0 for what is no address. */
static socklen_t
socket_address (struct sockaddr_storage *to, const char *text, uint16_t port)
{
  struct sockaddr_in *four = (struct sockaddr_in *) to;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *) to;
  *to = (struct sockaddr_storage){ 0 };
  if (inet_pton (AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons (port);
    return sizeof *four;
  }
  six->sin6_family = AF_INET6;
  six->sin6_port = htons (port);
  return inet_pton (AF_INET6, text, &six->sin6_addr) == 1 ? sizeof *six : 0;
}

/* Listening, or another program with SO_REUSEADDR could have the port as well. */
static int
open_port (int protocol, const struct sockaddr_storage *address, socklen_t size)
{
  bool stream = protocol == IPPROTO_TCP;
  int on = 1, fd = socket (address->ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, protocol);
  if (fd < 0)
    return -1;
  /* An earlier server's connections in TIME_WAIT are no obstacle; for UDP it would mean sharing. */
  if ((stream && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
      || (address->ss_family == AF_INET6 && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
      || bind (fd, (const struct sockaddr *) address, size) < 0 || (stream && listen (fd, 1) < 0))
    close_descriptor (&fd);
  return fd;
}

/*
 * Protocol number, address, port, and whether to hold it: a port that is forwarded in the kernel belongs to us without
 * the socket, and another program would listen on it and never hear anything.
 */
int
step_reserve_port (struct context *context, const struct step *step)
{
  int protocol = (int) step_integer (step, 0);
  uint16_t port = (uint16_t) step_integer (step, 2);
  struct sockaddr_storage address;
  char object[128];
  for (size_t i = 0; i < reservation_count; i++)
    if (reservations[i].step == step)
      return 0;
  raise_file_limit (context);
  snprintf (object, sizeof object, "%s:%u/%s", step_string (step, 1), port, protocol == IPPROTO_TCP ? "tcp" : "udp");
  socklen_t size = socket_address (&address, step_string (step, 1), port);
  if (size == 0)
    return fail_with (EINVAL, object, "cannot publish port");
  int fd = open_port (protocol, &address, size);
  if (fd < 0 || (step_integer (step, 3) && keep (step, fd) < 0))
    return fail (object, "cannot publish port");
  if (!step_integer (step, 3))
    close (fd);
  return 0;
}

void
release_ports (void)
{
  for (size_t i = 0; i < reservation_count; i++)
    close (reservations[i].fd);
  reservation_count = 0;
}

/* One request on a unix socket, and the text that the answer has when all is well. */
int
step_request (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  const struct argument *request = &step->argv[1];
  const char *slash = strrchr (path, '/');
  struct sockaddr_un address;
  char answer[512];
  size_t size = 0;
  (void) context;
  autoclose int directory = open_directory_of (path);
  if (directory < 0 || !unix_address (&address, directory, slash ? slash + 1 : path))
    return fail (path, "cannot connect");
  autoclose int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return fail (path, "cannot connect");
  if (write_all (fd, request->bytes, request->length) < 0 || shutdown (fd, SHUT_WR) < 0)
    return fail (path, "cannot send");
  for (ssize_t got = 1; got > 0 && size < sizeof answer - 1; size += got > 0 ? (size_t) got : 0)
    got = read (fd, answer + size, sizeof answer - 1 - size);
  answer[size] = 0;
  return strstr (answer, step_string (step, 2)) ? 0 : fail_with (0, answer, "request refused");
}
