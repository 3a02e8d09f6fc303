"""The desk: web pages for people who run the business and have no shell.

Pages read what is kept here, and call neither Centra nor Whistl. Actions are few, safe and
recorded: no page edits an order, writes stock or sends anything.
"""
