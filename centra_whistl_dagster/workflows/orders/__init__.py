"""Orders out: taken in from Centra, screened, sent to Whistl once, followed and stopped there."""
