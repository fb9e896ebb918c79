# httpd serves what is built in, httpd-tar a tar archive on a block device.
SERVERS += httpd httpd-tar
SOURCES_httpd := $(filter-out %/content_tar.c %/tar.c,$(wildcard servers/httpd/*.c))
IMAGE_SOURCES_httpd := servers/manifests/net.c
NATIVE_SOURCES_httpd := servers/manifests/none.c
SOURCES_httpd-tar := $(filter-out %/content_builtin.c,$(wildcard servers/httpd/*.c))
IMAGE_SOURCES_httpd-tar := servers/manifests/net_content.c
NATIVE_SOURCES_httpd-tar := servers/manifests/content.c
