"""Which encoder this machine really has, and the road of frames through a hardware one."""
