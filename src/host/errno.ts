/** Error numbers that Skiff tells apart; the same on x86-64 and arm64 (Linux include/uapi/asm-generic/errno*.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENAMETOOLONG: 36,
  ENETDOWN: 100,
  ENOBUFS: 105,
} as const;
