# Postfix that checks who sent a message. Its fourth argument is the address of the name server.
CHECKED=yes
. /peers/postfix.sh
