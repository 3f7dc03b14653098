"""A hand model in the browser: sliders for joints and muscles, and moment arms."""
