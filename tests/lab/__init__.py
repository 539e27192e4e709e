"""The throwaway machine and the world around it: real systemd, sshd, firewalld, DNS and Postfix."""
