"""What comes home after publishing: posts and their views, product pages, forecasts."""
