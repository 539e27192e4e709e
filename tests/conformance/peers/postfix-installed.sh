# Postfix as Debian installs it: its own limits and delays, not those that suit a benchmark.
INSTALLED=yes
. /peers/postfix.sh
