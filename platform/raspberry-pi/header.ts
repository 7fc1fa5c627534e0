/**
 * Labels of the GPIO controller behind the 40-pin header: Raspberry Pi 5 and Compute Module 5, 4 and Compute Module 4,
 * and all before them, including Zero 2 W (drivers/pinctrl/pinctrl-rp1.c, drivers/pinctrl/bcm/pinctrl-bcm2835.c).
 */
export const HEADER_CHIPS = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"] as const;
