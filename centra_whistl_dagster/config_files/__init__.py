"""Every file of `config/`, read into frozen values; a fault names its file and line."""
