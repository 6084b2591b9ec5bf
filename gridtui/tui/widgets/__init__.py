"""The widgets that screens are made of. They draw what they are given and know no fleet."""
