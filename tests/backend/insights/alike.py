"""Questions of 28 kinds, written for choosing how near two must be to count as one."""

from __future__ import annotations

SHOP = {
    "return": [
        "How do I return an order?",
        "can i send something back",
        "return policy",
        "I want to give back the shoes I bought",
        "how to return items",
    ],
    "refund": [
        "when do I get my money back",
        "how long does a refund take",
        "refund not received yet",
        "My refund has not arrived",
        "where is my refund",
    ],
    "shipping_cost": [
        "how much is shipping",
        "delivery costs",
        "what does delivery cost",
        "is shipping free",
        "postage fees",
    ],
    "track": [
        "where is my parcel",
        "track my order",
        "how can I track my package",
        "tracking number not working",
        "order status",
    ],
    "cancel": [
        "cancel my order",
        "how do I cancel an order I just placed",
        "I want to cancel",
        "can I still cancel my purchase",
    ],
    "password": [
        "I forgot my password",
        "reset password",
        "how to change my password",
        "can't log in, lost password",
    ],
    "invoice": [
        "where do I find my invoice",
        "download invoice",
        "I need a receipt for my order",
        "get a bill as PDF",
    ],
    "hours": [
        "opening hours",
        "when are you open",
        "are you open on Sunday",
        "what time does the store close",
    ],
    "size": [
        "size chart",
        "which size should I order",
        "do the shoes run small",
        "how to measure my foot",
    ],
    "payment": [
        "which payment methods do you accept",
        "can I pay with PayPal",
        "do you take credit cards",
        "pay by invoice possible?",
    ],
    "delete": [
        "delete my account",
        "how do I close my account",
        "remove my personal data",
        "GDPR deletion request",
    ],
    "warranty": [
        "how long is the warranty",
        "lamp broke after a year, is there a guarantee",
        "warranty claim",
        "is my device still under warranty",
    ],
    "bulb": [
        "which bulb fits the desk lamp",
        "what light bulb does the lamp need",
        "replace the bulb of the lamp",
    ],
    "intl": [
        "do you ship to Norway",
        "international delivery",
        "can you deliver to Canada",
        "which countries do you ship to",
    ],
    "agent": [
        "talk to a human",
        "I want to speak to a person",
        "contact support",
        "phone number of customer service",
    ],
}

SERVER = {
    "install": [
        "how to install the server",
        "installation on Debian",
        "set it up on Linux",
        "install guide",
    ],
    "ssl": [
        "enable https",
        "configure TLS certificate",
        "how do I set up SSL",
        "use a certificate from Let's Encrypt",
    ],
    "vhost": [
        "virtual hosts",
        "host several websites on one server",
        "name-based virtual host example",
    ],
    "logs": [
        "where are the log files",
        "change log format",
        "error log location",
        "access log settings",
    ],
    "redirect": [
        "redirect http to https",
        "how to make a 301 redirect",
        "redirect old url to new url",
    ],
    "htaccess": [
        "what is .htaccess",
        "allow override in htaccess",
        "htaccess file not working",
    ],
    "auth": [
        "password protect a directory",
        "basic authentication",
        "restrict access with user and password",
    ],
    "proxy": [
        "reverse proxy setup",
        "forward requests to a backend",
        "configure mod_proxy",
    ],
    "perf": [
        "server is slow",
        "tune performance",
        "how many workers should I run",
        "increase max connections",
    ],
    "upgrade": [
        "upgrade from 2.2 to 2.4",
        "what changed in version 2.4",
        "migrate to the new version",
    ],
    "cache": [
        "enable caching",
        "set cache headers",
        "expire headers for images",
    ],
    "start": [
        "restart the server",
        "how to stop and start",
        "graceful restart",
    ],
    "deny": [
        "block an ip address",
        "deny access from a country",
        "ban a bot",
    ],
}
